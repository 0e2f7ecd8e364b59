// A lock between processes in which nobody starves.
#pragma once

#include <string>

#include "core/unique_fd.h"
#include "nanogrid/status.h"

namespace nanogrid::sqlite {

// Not thread-safe. The kernel releases the lock of a process that is gone.
class FileLock {
 public:
  // Creates the file, mode 0600.
  static Result<FileLock> Open(const std::string& path);

  // Blocks. Who asks again at once has to wait for a process that was waiting.
  Status Acquire();
  void Release();

 private:
  FileLock(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

}  // namespace nanogrid::sqlite
