#include "core/scratch_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "core/errors.h"

namespace nanogrid {
namespace {

// The directory, locked; or none if another one has it, or has just removed it.
UniqueFd LockDirectory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(fd.get(), &info) != 0 ||
      info.st_nlink == 0 || info.st_uid != ::geteuid()) {
    return UniqueFd();
  }
  return fd;
}

void RemoveTree(const std::string& path) {
  std::error_code ignored;  // what remains is abandoned, and tried again
  std::filesystem::remove_all(path, ignored);
}

}  // namespace

ScratchDirectory::ScratchDirectory(std::string path, UniqueFd lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

ScratchDirectory::~ScratchDirectory() {
  if (lock_) RemoveTree(path_);
}

Result<ScratchDirectory> ScratchDirectory::Make(const std::string& parent,
                                                const std::string& prefix, mode_t mode) {
  for (;;) {
    uint64_t random = 0;
    if (::getrandom(&random, sizeof(random), 0) != sizeof(random)) {
      return ErrnoError(errno, "getrandom");
    }
    std::string path = fmt::format("{}/{}{:016x}", parent, prefix, random);
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return ErrnoError(errno, "mkdir " + path);
    }
    UniqueFd lock = LockDirectory(path);
    if (!lock) continue;  // taken for abandoned before it was locked
    ScratchDirectory made(std::move(path), std::move(lock));
    if (::fchmod(made.fd(), mode) != 0) return ErrnoError(errno, "chmod " + made.path());
    return made;
  }
}

void ScratchDirectory::RemoveAbandoned(const std::string& parent, const std::string& prefix) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().native().starts_with(prefix)) continue;
    const UniqueFd lock = LockDirectory(entry->path().native());
    if (lock) RemoveTree(entry->path().native());
  }
}

Status ScratchDirectory::Publish(const std::string& path) {
  if (::rename(path_.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY) {
      return MakeError(absl::StatusCode::kAlreadyExists, "{} is there already", path);
    }
    return ErrnoError(errno, "rename " + path_ + " to " + path);
  }
  lock_.Reset();
  return absl::OkStatus();
}

}  // namespace nanogrid
