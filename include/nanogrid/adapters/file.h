// "file:///dir": objects as files below a directory; writes are atomic (rename) and durable
// (fsync).
#pragma once

#include <memory>
#include <string>

#include "nanogrid/storage.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct FileObjectStoreOptions {
  std::string directory{};  // created if missing, mode 0700
  bool fsync = true;        // false: atomic but not durable, for tests and scratch data
};

// Any number of processes may use one directory.
Result<std::unique_ptr<ObjectStore>> MakeFileObjectStore(const FileObjectStoreOptions& options);
// "file:///dir?fsync=true|false"
Result<std::unique_ptr<ObjectStore>> MakeFileObjectStore(const Uri& uri);

}  // namespace nanogrid
