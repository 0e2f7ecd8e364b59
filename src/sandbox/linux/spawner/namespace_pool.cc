#include "sandbox/linux/spawner/namespace_pool.h"

#include <fcntl.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstring>
#include <string>

#include "sandbox/linux/spawner/files.h"

namespace nanogrid::spawner {
namespace {

constexpr size_t kSpareIdentities = 4;
constexpr size_t kSpareNetworks = 4;
constexpr size_t kMaxUsedNetworks = 64;
constexpr char kMaxInotifyInstances[] = "32";  // of an instance
constexpr uid_t kBlockSize = 256;
constexpr uid_t kPreferredBase = 1'900'000'000;  // above what distributions and systemd hand out
constexpr uid_t kBlocks = 4096;

bool BringLoopbackUp() {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

// The kernel charges what is in a user namespace (inotify instances, pending signals, …) to the
// user who made it, too. Each is made by the user that it is for, or a single instance could use up
// what root has on the whole machine.
bool BecomeOwner(uid_t owner) {
  // Only in effect, and with all capabilities: the kernel may let nobody else make one.
  return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0 &&
         syscall(SYS_setresuid, -1, owner, -1) == 0;
}

// Of these there are few (128 by default), and rootless they are all the caller's. Where it cannot
// be set (a read-only /proc/sys) there is one bound less.
void LimitInotify() {
  (void)WriteFileAt(AT_FDCWD, "/proc/sys/user/max_inotify_instances", kMaxInotifyInstances);
}

// A process that lives in a new namespace until this object dies, so that the namespace can be
// opened and set up from outside.
class NamespaceHolder {
 public:
  // A user namespace belongs to `owner`; 0: to the spawner's user.
  NamespaceHolder(int flag, uid_t owner, Failure& failure, const char* step) {
    int ready[2], hold[2];
    if (pipe2(ready, O_CLOEXEC) != 0) {
      Fail(failure, errno, step);
      return;
    }
    if (pipe2(hold, O_CLOEXEC) != 0) {
      Fail(failure, errno, step);
      close(ready[0]);
      close(ready[1]);
      return;
    }
    pid_ = fork();
    if (pid_ == 0) {
      close(hold[1]);
      const bool is_owner = owner == 0 || BecomeOwner(owner);
      prctl(PR_SET_DUMPABLE, 1);  // or /proc/self belongs to root and rootless cannot be mapped
      int error = is_owner && unshare(flag) == 0 ? 0 : errno;
      if (error == 0 && flag == CLONE_NEWUSER) LimitInotify();
      if (error == 0 && flag == CLONE_NEWNET && !BringLoopbackUp()) error = errno;
      (void)!write(ready[1], &error, sizeof(error));
      (void)!read(hold[0], &error, 1);  // until the spawner kills us, or is gone itself
      _exit(0);
    }
    close(ready[1]);
    close(hold[0]);
    hold_.Reset(hold[1]);
    int error = pid_ < 0 ? errno : ECHILD;
    if (pid_ > 0 && read(ready[0], &error, sizeof(error)) != sizeof(error)) error = ECHILD;
    close(ready[0]);
    errno = error;
    ok_ = Passes(error == 0, failure, step);
  }
  NamespaceHolder(const NamespaceHolder&) = delete;
  NamespaceHolder& operator=(const NamespaceHolder&) = delete;
  ~NamespaceHolder() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  explicit operator bool() const { return ok_; }
  std::string Path(const char* name) const { return "/proc/" + std::to_string(pid_) + "/" + name; }

 private:
  pid_t pid_ = -1;
  UniqueFd hold_;
  bool ok_ = false;
};

// The first id of the range that identities are taken from: what the spawner's own user namespace
// maps, if that is not everything.
uid_t RangeBase() {
  const std::string map = ReadFileAt(AT_FDCWD, "/proc/self/uid_map");
  unsigned long best_start = 0, best_count = 0, start, outer, count;
  const char* at = map.c_str();
  int used = 0;
  while (std::sscanf(at, "%lu %lu %lu%n", &start, &outer, &count, &used) == 3) {
    if (start <= kPreferredBase && start + count > kPreferredBase + kBlocks * kBlockSize) {
      return kPreferredBase;
    }
    if (count > best_count) best_start = start, best_count = count;
    at += used;
  }
  const unsigned long wanted = static_cast<unsigned long>(kBlocks) * kBlockSize;
  if (best_count <= kBlockSize) return 0;
  const unsigned long room = best_count > 2 * wanted ? wanted : best_count / 2;
  return static_cast<uid_t>(best_start + best_count - room);
}

}  // namespace

bool IdentityPool::NextId(uid_t& id, Failure& failure) {
  if (!unused_.empty()) {
    id = unused_.back();
    unused_.pop_back();
    return true;
  }
  if (next_ == block_end_) {
    const uid_t base = RangeBase();
    if (base == 0) return Fail(failure, ERANGE, "find unused uids in /proc/self/uid_map");
    (void)mkdir("/run/nanogrid", 0755);
    (void)mkdir("/run/nanogrid/uids", 0700);
    const UniqueFd dir = OpenAt(AT_FDCWD, "/run/nanogrid/uids", O_RDONLY | O_DIRECTORY);
    uid_t block = 0;
    if (dir) {
      for (bool taken = false; !taken; ++block) {
        if (block == kBlocks) return Fail(failure, EAGAIN, "lock a block of uids");
        UniqueFd lock(openat(dir.get(), std::to_string(block).c_str(),
                             O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!lock) return Fail(failure, errno, "open /run/nanogrid/uids");
        taken = flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
        if (taken) locks_.push_back(std::move(lock));
      }
      --block;
    } else {
      // Without a writable /run nobody can be asked; chance keeps engines apart.
      (void)!getrandom(&block, sizeof(block), 0);
      block %= kBlocks;
    }
    next_ = base + block * kBlockSize;
    block_end_ = next_ + kBlockSize;
  }
  id = next_++;
  return true;
}

std::optional<Identity> IdentityPool::Make(Failure& failure) {
  Identity identity;
  if (!rootless_ && !NextId(identity.outer_id, failure)) return std::nullopt;
  if (MakeNamespace(identity, failure)) return identity;
  if (!rootless_) unused_.push_back(identity.outer_id);
  return std::nullopt;
}

bool IdentityPool::MakeNamespace(Identity& identity, Failure& failure) const {
  NamespaceHolder holder(CLONE_NEWUSER, identity.outer_id, failure, "create user namespace");
  if (!holder) return false;
  // Rootless: 0 is the caller, as the spawner's own user namespace calls it.
  const std::string map =
      std::to_string(kInnerId) + " " + std::to_string(identity.outer_id) + " 1\n";
  for (const char* const name : {"uid_map", "gid_map"}) {
    const bool written = WriteFileAt(AT_FDCWD, holder.Path(name).c_str(), map);
    if (!Passes(written, failure, "map ids of an instance: write", name)) return false;
  }
  identity.user_namespace = OpenAt(AT_FDCWD, holder.Path("ns/user").c_str(), O_RDONLY);
  return Passes(static_cast<bool>(identity.user_namespace), failure, "open user namespace");
}

std::optional<Identity> IdentityPool::Take(Failure& failure) {
  if (free_.empty()) return Make(failure);
  Identity identity = std::move(free_.back());
  free_.pop_back();
  return identity;
}

bool IdentityPool::TopUp() {
  if (free_.size() >= kSpareIdentities) return false;
  Failure ignored;
  std::optional<Identity> identity = Make(ignored);
  if (identity) free_.push_back(std::move(*identity));
  return identity.has_value();
}

namespace {

std::optional<UniqueFd> MakeNetwork(Failure& failure) {
  NamespaceHolder holder(CLONE_NEWNET, 0, failure, "create network namespace");
  if (!holder) return std::nullopt;
  UniqueFd network = OpenAt(AT_FDCWD, holder.Path("ns/net").c_str(), O_RDONLY);
  if (!Passes(static_cast<bool>(network), failure, "open network namespace")) return std::nullopt;
  return network;
}

}  // namespace

std::optional<UniqueFd> NetworkPool::Take(const std::string& domain, Failure& failure) {
  for (auto it = used_.rbegin(); it != used_.rend(); ++it) {
    if (it->domain != domain) continue;
    UniqueFd network = std::move(it->network);
    used_.erase(std::next(it).base());
    return network;
  }
  if (fresh_.empty()) return MakeNetwork(failure);
  UniqueFd network = std::move(fresh_.back());
  fresh_.pop_back();
  return network;
}

void NetworkPool::Return(const std::string& domain, UniqueFd network) {
  used_.push_back({domain, std::move(network)});
  if (used_.size() > kMaxUsedNetworks) used_.pop_front();
}

bool NetworkPool::TopUp() {
  if (fresh_.size() >= kSpareNetworks) return false;
  Failure ignored;
  std::optional<UniqueFd> network = MakeNetwork(ignored);
  if (network) fresh_.push_back(std::move(*network));
  return network.has_value();
}

}  // namespace nanogrid::spawner
