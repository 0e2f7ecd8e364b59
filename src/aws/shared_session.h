// One session for all adapters that are opened with the same options.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "aws/session.h"

namespace nanogrid::aws {

// Thread-safe.
class SharedSessions {
 public:
  // Opened with the first call for these options; region and endpoint do not count: they are the
  // client's.
  Result<std::shared_ptr<Session>> Get(const AwsOptions& options);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Session>> sessions_{};
};

}  // namespace nanogrid::aws
