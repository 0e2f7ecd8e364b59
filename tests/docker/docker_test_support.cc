#include "docker/docker_test_support.h"

#include <stdlib.h>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {

Result<std::string> TestEngine() {
  const char* const engine = ::getenv("NANOGRID_TEST_DOCKER");
  if (engine == nullptr) {
    return absl::FailedPreconditionError("NANOGRID_TEST_DOCKER names no engine; ctest starts one");
  }
  std::string address = engine;
  const size_t start = address.find('/'), end = address.rfind('/');
  const std::string directory = address.substr(start + 2, end - start - 2);
  std::string reason = ReadFile(directory + "/unavailable");
  if (!reason.empty()) return absl::FailedPreconditionError(reason);
  return address;
}

}  // namespace nanogrid
