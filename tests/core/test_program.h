// What programs have in common that a test starts: they say what fails, and end.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "nanogrid/observer.h"
#include "nanogrid/status.h"

namespace nanogrid {

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(result);
}
inline void Must(const Status& status) { Must(status.ok() ? Result<int>(0) : status); }

// Complains about what nobody can be told.
class Complain final : public Observer {
 public:
  void OnError(std::string_view where, const Status& status) override {
    std::fprintf(stderr, "%s: %s\n", std::string(where).c_str(), status.ToString().c_str());
  }
};

}  // namespace nanogrid
