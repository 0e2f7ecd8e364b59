// A directory that goes away with its owner, however the owner ends.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/unique_fd.h"
#include "nanogrid/status.h"

namespace nanogrid {

// Removed, with all that is in it, by the destructor; or, if the process was killed, by the next
// RemoveAbandoned. The owner holds a flock on the directory, which dies with the process (and keeps
// systemd-tmpfiles from ageing the files).
class ScratchDirectory {
 public:
  // Makes `parent`/`prefix`<random>.
  static Result<ScratchDirectory> Make(const std::string& parent, const std::string& prefix,
                                       mode_t mode);
  // Removes directories of this user that Make made with the same arguments and nobody owns now.
  static void RemoveAbandoned(const std::string& parent, const std::string& prefix);

  ScratchDirectory(ScratchDirectory&&) noexcept = default;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();

  const std::string& path() const { return path_; }
  int fd() const { return lock_.get(); }

  // Gives the directory its final name, under which it stays. AlreadyExists if that is taken.
  Status Publish(const std::string& path);

 private:
  ScratchDirectory(std::string path, UniqueFd lock);

  std::string path_;
  UniqueFd lock_;  // valid while owned
};

}  // namespace nanogrid
