// Files below a directory that others may write to as well: no symbolic link is followed, and no
// half-written file is seen.
#pragma once

#include <string>
#include <string_view>

#include "core/unique_fd.h"
#include "nanogrid/status.h"

namespace nanogrid {

// Opens `path` below `root` without following a symbolic link on the way or at the end. An invalid
// descriptor comes with errno.
UniqueFd OpenBeneath(int root, const std::string& path, int flags);

// "a/b/c" → "a/b", "a" → "."; and "a/b/c" → "c".
std::string ParentOf(const std::string& path);
std::string LastOf(const std::string& path);

Status WriteAll(int fd, std::string_view bytes);

// Makes `path` and what is missing above it, mode 0700. Links in it are followed.
Result<UniqueFd> MakeRootDirectory(const std::string& path, bool durable);

// The directory of files being written, below `root`. Removes what killed writers left there.
Result<UniqueFd> OpenTemporaryDirectory(int root);

// A file under a private name in such a directory, gone again unless it is published. Locked while
// its writer lives.
class TemporaryFile {
 public:
  explicit TemporaryFile(int directory);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Status Create();
  int fd() const { return fd_.get(); }
  // Under `name` in `parent`, in place of what is there or only if nothing is. Answers 0 or errno.
  int Publish(int parent, const std::string& name, bool if_absent);

 private:
  const int directory_;
  std::string name_;
  UniqueFd fd_;
};

}  // namespace nanogrid
