#include "sandbox/docker/uid_pool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "core/errors.h"

namespace nanogrid::docker {
namespace {

constexpr char kLockDirectory[] = "/run/nanogrid/uids";  // the spawner's, too

}  // namespace

Result<uint32_t> UidPool::Take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) NANOGRID_RETURN_IF_ERROR(TakeBlock());
  return free_.extract(free_.begin()).value();
}

void UidPool::GiveBack(uint32_t uid) {
  const std::lock_guard lock(mutex_);
  free_.insert(uid);
}

Status UidPool::TakeBlock() {
  (void)::mkdir("/run/nanogrid", 0755);
  (void)::mkdir(kLockDirectory, 0700);
  const UniqueFd directory(::open(kLockDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  uint32_t block = 0;
  if (directory) {
    for (bool taken = false; !taken; ++block) {
      if (block == blocks_) {
        return MakeError(absl::StatusCode::kResourceExhausted,
                         "all {} blocks of {} user ids are in use", blocks_, kBlockSize);
      }
      UniqueFd file(::openat(directory.get(), std::to_string(block).c_str(),
                             O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!file) return ErrnoError(errno, std::string("open ") + kLockDirectory);
      taken = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
      if (taken) locks_.push_back(std::move(file));
    }
    --block;
  } else {
    if (::getrandom(&block, sizeof(block), 0) != sizeof(block)) {
      return ErrnoError(errno, "getrandom");
    }
    block %= blocks_;
  }
  for (uint32_t i = 0; i < kBlockSize; ++i) free_.insert(first_ + block * kBlockSize + i);
  return absl::OkStatus();
}

Result<Uid> Uid::Take(UidPool& pool) {
  NANOGRID_ASSIGN_OR_RETURN(const uint32_t id, pool.Take());
  return Uid(pool, id);
}

}  // namespace nanogrid::docker
