// The query of one request: every key is asked for, or is an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/target.h"
#include "nanogrid/context.h"

namespace nanogrid {

// Errors begin with the key: "limit: …".
class Query {
 public:
  explicit Query(const HttpTarget& target) : target_(target) {}

  // Empty if it is not there. InvalidArgument if it is there twice.
  Result<std::string> Text(std::string_view key);
  Result<uint64_t> Number(std::string_view key, uint64_t lowest, uint64_t highest,
                          uint64_t otherwise);
  // "true" or "false".
  Result<bool> Flag(std::string_view key);
  Result<std::optional<Duration>> Time(std::string_view key);

  // InvalidArgument names what nobody asked for.
  Status Finish() const;

 private:
  const HttpTarget& target_;
  std::vector<std::string> known_{};
};

}  // namespace nanogrid
