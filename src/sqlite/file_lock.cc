#include "sqlite/file_lock.h"

#include <fcntl.h>

#include <cerrno>

#include "core/errors.h"

namespace nanogrid::sqlite {
namespace {

// Byte 0 is the lock. Byte 1 is the door to it: who holds it is next, and who has just released the
// lock must pass the door again.
enum Byte : off_t { kLock = 0, kDoor = 1 };

// Locks of the open file description (fcntl(2)): the process may hold others on the same file.
int Set(int fd, Byte byte, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  int result;
  do {
    result = ::fcntl(fd, F_OFD_SETLKW, &lock);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

Result<FileLock> FileLock::Open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return ErrnoError(errno, "open " + path);
  return FileLock(path, std::move(fd));
}

Status FileLock::Acquire() {
  if (Set(fd_.get(), kDoor, F_WRLCK) != 0) return ErrnoError(errno, "lock " + path_);
  const int locked = Set(fd_.get(), kLock, F_WRLCK);
  const int error = errno;
  Set(fd_.get(), kDoor, F_UNLCK);
  return locked == 0 ? absl::OkStatus() : ErrnoError(error, "lock " + path_);
}

void FileLock::Release() { Set(fd_.get(), kLock, F_UNLCK); }

}  // namespace nanogrid::sqlite
