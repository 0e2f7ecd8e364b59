#include "sandbox/linux/spawner/cgroups.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include "sandbox/linux/spawner/cgroup_mounts.h"
#include "sandbox/linux/spawner/cgroup_sweep.h"
#include "sandbox/linux/spawner/files.h"

namespace nanogrid::spawner {
namespace {

constexpr size_t kSpare = 4;

bool Contains(const std::string& words, const char* word) {
  std::istringstream in(words);
  for (std::string each; in >> each;) {
    if (each == word) return true;
  }
  return false;
}

void Pause() {
  const timespec pause = {0, 5'000'000};
  nanosleep(&pause, nullptr);
}

// Whether we may make directories in it; false on a mount that is read-only, too.
bool IsWritable(const std::string& directory) {
  return faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

// Moves every process of a v2 group into a leaf of it, where they stay. Names what refused.
void MoveProcessesToLeaf(int group, std::string& refused) {
  refused.clear();
  if (mkdirat(group, kCgroupLeaf, 0755) != 0 && errno != EEXIST) {
    refused = std::string("; cannot create ") + kCgroupLeaf + " in it: " + strerror(errno);
  }
  std::istringstream pids(ReadFileAt(group, "cgroup.procs"));
  for (std::string pid; refused.empty() && pids >> pid;) {
    if (WriteFileAt(group, "nanogrid-host/cgroup.procs", pid) || errno == ESRCH) continue;
    refused = "; process " + pid + " cannot be moved to " + kCgroupLeaf + ": " + strerror(errno);
  }
}

// A group that has processes cannot hand controllers to its children. A process that is just
// exiting is counted a moment longer, and cannot be moved.
bool EnableController(int group, const std::string& name, std::string& refused) {
  for (int tries = 0; tries < 200; ++tries) {
    if (WriteFileAt(group, "cgroup.subtree_control", "+" + name)) return true;
    if (errno != EBUSY) return false;
    if (tries > 0) Pause();
    MoveProcessesToLeaf(group, refused);
  }
  errno = EBUSY;
  return false;
}

// A lock on a v2 group, for as long as a spawner sets itself up below it: the next one finds what
// it has made. Whoever may read the directory can hold the lock, so it is not waited for for ever.
UniqueFd LockGroup(int group) {
  UniqueFd lock = OpenAt(group, ".", O_RDONLY | O_DIRECTORY);
  for (int tries = 0; lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && tries < 1000; ++tries) {
    Pause();
  }
  return lock;
}

// Whether systemd handed this group over, Delegate=yes (systemd.resource-control(5)).
bool IsDelegated(const std::string& path) {
  for (const char* const name : {"user.delegate", "trusted.delegate"}) {
    char value = 0;
    if (getxattr(path.c_str(), name, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

bool HasControllers(int group, std::string& note) {
  const std::string available = ReadFileAt(group, "cgroup.controllers");
  for (const char* needed : {"memory", "pids"}) {
    if (Contains(available, needed)) continue;
    note = std::string("cgroup v2 controller '") + needed + "' is not delegated to this process";
    return false;
  }
  return true;
}

// Those that are needed; cpu where it can be had, because functions that want a share are refused
// without.
bool EnableControllers(int group, std::string& note) {
  const std::string available = ReadFileAt(group, "cgroup.controllers");
  const std::string enabled = ReadFileAt(group, "cgroup.subtree_control");
  for (const std::string name : {"memory", "pids", "cpu"}) {
    if (Contains(enabled, name.c_str()) || !Contains(available, name.c_str())) continue;
    std::string refused;
    if (EnableController(group, name, refused) || name == "cpu") continue;
    note = "cannot enable cgroup v2 controller '" + name + "': " + strerror(errno);
    note += refused;
    return false;
  }
  return true;
}

}  // namespace

bool Cgroups::SetUp(wire::Cgroups wanted, bool rootless, Failure& failure) {
  uint64_t random = 0;
  (void)!getrandom(&random, sizeof(random), 0);
  char text[17];
  std::snprintf(text, sizeof(text), "%016lx", static_cast<unsigned long>(random));
  name_ = kCgroupPrefix + std::string(text);

  note_ = "turned off by an option";
  if (wanted == wire::Cgroups::kNone) return true;
  note_ = "no cgroup file system is mounted";
  if (wanted != wire::Cgroups::kV2 && SetUpV1()) kind_ = wire::Cgroups::kV1;
  // What v1 has, v2 has not.
  if (kind_ == wire::Cgroups::kNone && !is_usable_ && wanted != wire::Cgroups::kV1 &&
      SetUpV2(rootless)) {
    kind_ = wire::Cgroups::kV2;
  }
  if (kind_ != wire::Cgroups::kNone) {
    note_.clear();
    return true;
  }
  Clear();
  if (wanted == wire::Cgroups::kAuto && !is_usable_) return true;
  // Limits could be had: to go on without them unasked would be to lose them silently.
  if (wanted == wire::Cgroups::kAuto) note_ += "; to run without control groups say cgroups=none";
  return Fail(failure, ENOTSUP, "set up cgroups:", note_.c_str());
}

// Makes our directory below `path`.
bool Cgroups::AddHierarchy(const std::string& path, Hierarchy hierarchy) {
  hierarchy.base = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!hierarchy.base) {
    note_ = path + ": " + strerror(errno);
    return false;
  }
  // A sweeper may take the directory between mkdir and flock.
  for (int tries = 0; tries < 10; ++tries) {
    if (mkdirat(hierarchy.base.get(), name_.c_str(), 0755) != 0 && errno != EEXIST) break;
    hierarchy.directory = OpenAt(hierarchy.base.get(), name_.c_str(), O_RDONLY | O_DIRECTORY);
    if (!hierarchy.directory || flock(hierarchy.directory.get(), LOCK_EX) != 0) continue;
    struct stat ours, there;
    if (fstat(hierarchy.directory.get(), &ours) == 0 &&
        fstatat(hierarchy.base.get(), name_.c_str(), &there, 0) == 0 &&
        ours.st_ino == there.st_ino) {
      hierarchies_.push_back(std::move(hierarchy));
      return true;
    }
  }
  note_ = "cannot create " + path + "/" + name_ + ": " + strerror(errno);
  return false;
}

bool Cgroups::SetUpV1() {
  const std::vector<CgroupMount> mounts = FindCgroupMounts();
  std::vector<std::string> bases;
  for (const CgroupMount& mount : mounts) {
    if (!mount.v2) AddWithSiblings(mount, bases);
  }
  SweepCgroups(bases);
  bool memory = false, pids = false, usable_memory = false, usable_pids = false;
  for (const CgroupMount& mount : mounts) {
    if (mount.v2) continue;
    const auto has = [&](const char* name) {
      return std::find(mount.controllers.begin(), mount.controllers.end(), name) !=
             mount.controllers.end();
    };
    Hierarchy hierarchy;
    hierarchy.memory = has("memory");
    hierarchy.pids = has("pids");
    hierarchy.cpu = has("cpu");
    hierarchy.cpuacct = has("cpuacct");
    hierarchy.freezer = has("freezer");
    if (!hierarchy.memory && !hierarchy.pids && !hierarchy.cpu && !hierarchy.cpuacct &&
        !hierarchy.freezer) {
      continue;
    }
    const bool is_memory = hierarchy.memory, is_pids = hierarchy.pids;
    const bool writable = IsWritable(mount.own);
    usable_memory |= is_memory && writable;
    usable_pids |= is_pids && writable;
    if (!AddHierarchy(mount.own, std::move(hierarchy))) continue;
    memory |= is_memory;
    pids |= is_pids;
  }
  if (memory && pids) return true;
  is_usable_ = usable_memory && usable_pids;
  if (!hierarchies_.empty())
    note_ = "cgroup v1 has no usable memory and pids controllers; " + note_;
  Clear();
  return false;
}

bool Cgroups::SetUpV2(bool rootless) {
  for (const CgroupMount& mount : FindCgroupMounts()) {
    if (!mount.v2) continue;
    std::string own = mount.own;
    const std::string leaf = std::string("/") + kCgroupLeaf;  // where an earlier engine moved us
    if (own.ends_with(leaf)) own.resize(own.size() - leaf.size());
    // Rootless: only what was delegated. As root, too, if there is that; else the top: another
    // manager's group is left as it is.
    const std::string& path = rootless || IsDelegated(own) ? own : mount.mount_point;
    const UniqueFd group = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
    if (!group || faccessat(group.get(), "cgroup.subtree_control", W_OK, AT_EACCESS) != 0) {
      note_ = path + " is not writable: no cgroup was delegated to this process";
      continue;
    }
    if (!HasControllers(group.get(), note_)) continue;
    is_usable_ = true;
    const UniqueFd lock = LockGroup(group.get());
    if (!EnableControllers(group.get(), note_)) {
      note_ = path + ": " + note_;
      return false;
    }
    Hierarchy hierarchy;
    hierarchy.memory = hierarchy.pids = hierarchy.cpuacct = hierarchy.freezer = true;
    hierarchy.cpu = Contains(ReadFileAt(group.get(), "cgroup.subtree_control"), "cpu");
    SweepCgroups({path});
    return AddHierarchy(path, std::move(hierarchy)) &&
           EnableControllers(hierarchies_.back().directory.get(), note_);
  }
  return false;
}

std::optional<Cgroup> Cgroups::Make(Failure& failure) {
  Cgroup cgroup;
  cgroup.name = std::to_string(next_++);
  const bool v2 = kind_ == wire::Cgroups::kV2;
  const auto give_up = [&] {
    Remove(std::move(cgroup));
    return std::nullopt;
  };
  for (const Hierarchy& hierarchy : hierarchies_) {
    const bool made = mkdirat(hierarchy.directory.get(), cgroup.name.c_str(), 0755) == 0;
    if (!Passes(made, failure, "create cgroup")) return give_up();
    UniqueFd dir = OpenAt(hierarchy.directory.get(), cgroup.name.c_str(), O_RDONLY | O_DIRECTORY);
    if (!Passes(static_cast<bool>(dir), failure, "open cgroup")) return give_up();
    const auto open_file = [&](wire::StartedFd which, const char* name, int flags) {
      cgroup.files[which] = OpenAt(dir.get(), name, flags);
    };
    if (hierarchy.memory) {
      open_file(wire::kPeakMemoryFd, v2 ? "memory.peak" : "memory.max_usage_in_bytes", O_RDONLY);
      open_file(wire::kMemoryFd, v2 ? "memory.current" : "memory.usage_in_bytes", O_RDONLY);
      open_file(wire::kMemoryEventsFd, v2 ? "memory.events" : "memory.oom_control", O_RDONLY);
      if (v2) (void)WriteFileAt(dir.get(), "memory.oom.group", "1");
    }
    if (hierarchy.pids) {
      open_file(wire::kPidsEventsFd, "pids.events", O_RDONLY);
      open_file(wire::kMembersFd, v2 ? "cgroup.events" : "cgroup.procs", O_RDONLY);
      if (v2) open_file(wire::kKillFd, "cgroup.kill", O_WRONLY);
    }
    if (hierarchy.cpuacct) open_file(wire::kCpuFd, v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY);
    if (hierarchy.freezer) {
      open_file(wire::kFreezeFd, v2 ? "cgroup.freeze" : "freezer.state", O_RDWR);
    }
    if (v2) {
      cgroup.directory = std::move(dir);
    } else {
      UniqueFd tasks = OpenAt(dir.get(), "tasks", O_WRONLY);
      if (!Passes(static_cast<bool>(tasks), failure, "open cgroup tasks")) return give_up();
      cgroup.tasks.push_back(std::move(tasks));
    }
  }
  for (const wire::StartedFd which : {wire::kMemoryEventsFd, wire::kPidsEventsFd}) {
    char drop[256];  // poll reports the state as new until it was read once
    (void)!pread(cgroup.files[which].get(), drop, sizeof(drop), 0);
  }
  struct Needed {
    wire::StartedFd which;
    const char* step;
  };
  for (const Needed& needed : {Needed{wire::kMemoryEventsFd, "open cgroup memory events"},
                               Needed{wire::kPidsEventsFd, "open cgroup pids.events"},
                               Needed{wire::kMembersFd, "open cgroup members"}}) {
    const bool open = static_cast<bool>(cgroup.files[needed.which]);
    if (!Passes(open, failure, needed.step)) return give_up();
  }
  return cgroup;
}

bool Cgroups::Limit(const Cgroup& cgroup, const CgroupLimits& limits, Failure& failure) const {
  const bool v2 = kind_ == wire::Cgroups::kV2;
  const std::string memory = std::to_string(limits.memory);
  for (const Hierarchy& hierarchy : hierarchies_) {
    const UniqueFd dir =
        OpenAt(hierarchy.directory.get(), cgroup.name.c_str(), O_RDONLY | O_DIRECTORY);
    if (!Passes(static_cast<bool>(dir), failure, "open cgroup")) return false;
    if (hierarchy.memory) {
      const char* const file = v2 ? "memory.max" : "memory.limit_in_bytes";
      const bool limited = WriteFileAt(dir.get(), file, memory);
      if (!Passes(limited, failure, "limit memory to", memory.c_str())) return false;
      // No swap beyond it; absent where the kernel does not account swap.
      (void)WriteFileAt(dir.get(), v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                        v2 ? "0" : memory);
    }
    if (hierarchy.pids &&
        !Passes(WriteFileAt(dir.get(), "pids.max", std::to_string(limits.max_processes)), failure,
                "limit processes")) {
      return false;
    }
    if (hierarchy.cpu && limits.cpu_quota_us != 0) {
      const std::string quota = std::to_string(limits.cpu_quota_us);
      const bool limited = WriteFileAt(dir.get(), v2 ? "cpu.max" : "cpu.cfs_quota_us",
                                       v2 ? quota + " 100000" : quota);
      if (!Passes(limited, failure, "limit cpu to", quota.c_str())) return false;
    }
  }
  const bool has_cpu = std::any_of(hierarchies_.begin(), hierarchies_.end(),
                                   [](const Hierarchy& each) { return each.cpu; });
  if (limits.cpu_quota_us != 0 && !has_cpu) {
    return Fail(failure, ENOTSUP, "limit cpu: no cpu controller is available");
  }
  return true;
}

std::optional<Cgroup> Cgroups::Take(const CgroupLimits& limits, Failure& failure) {
  std::optional<Cgroup> cgroup;
  if (spare_.empty()) {
    cgroup = Make(failure);
  } else {
    cgroup = std::move(spare_.back());
    spare_.pop_back();
  }
  if (cgroup && !Limit(*cgroup, limits, failure)) {
    Remove(std::move(*cgroup));
    return std::nullopt;
  }
  return cgroup;
}

bool Cgroups::TryRemove(const std::string& name) {
  bool gone = true;
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (unlinkat(hierarchy.directory.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      gone = false;
    }
  }
  return gone;
}

void Cgroups::Remove(Cgroup cgroup) {
  if (!TryRemove(cgroup.name)) busy_.push_back(std::move(cgroup.name));
}

bool Cgroups::TopUp() {
  if (kind_ == wire::Cgroups::kNone) return false;
  std::erase_if(busy_, [&](const std::string& name) { return TryRemove(name); });
  if (spare_.size() >= kSpare) return false;
  Failure ignored;
  std::optional<Cgroup> cgroup = Make(ignored);
  if (cgroup) spare_.push_back(std::move(*cgroup));
  return cgroup.has_value();
}

void Cgroups::Clear() {
  for (Cgroup& cgroup : spare_) Remove(std::move(cgroup));
  spare_.clear();
  for (int tries = 0; tries < 200 && !busy_.empty(); ++tries) {
    std::erase_if(busy_, [&](const std::string& name) { return TryRemove(name); });
    if (!busy_.empty()) Pause();
  }
  for (const Hierarchy& hierarchy : hierarchies_) {
    (void)unlinkat(hierarchy.base.get(), name_.c_str(), AT_REMOVEDIR);
  }
  hierarchies_.clear();
}

}  // namespace nanogrid::spawner
