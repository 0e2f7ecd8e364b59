// Content addresses.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace nanogrid {

// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Update(std::string_view bytes);
  // Lower-case hex. Once.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(std::string_view bytes);

}  // namespace nanogrid
