#include "sandbox/linux/spawner/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>

#include "sandbox/linux/spawner/cgroup_mounts.h"
#include "sandbox/linux/spawner/files.h"

namespace nanogrid::spawner {
namespace {

constexpr size_t kSpare = 4;
constexpr char kPrefix[] = "nanogrid-";
constexpr char kLeafName[] = "nanogrid-host";  // where MoveProcessesToLeaf puts the host

std::vector<std::string> Directories(int dir) {
  std::vector<std::string> names;
  const int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> stream(copy >= 0 ? fdopendir(copy) : nullptr, closedir);
  if (!stream) return names;
  while (const dirent* entry = readdir(stream.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  return names;
}

void KillAll(int dir) {
  (void)WriteFileAt(dir, "freezer.state", "THAWED");
  (void)WriteFileAt(dir, "cgroup.freeze", "0");
  if (WriteFileAt(dir, "cgroup.kill", "1")) return;
  std::istringstream pids(ReadFileAt(dir, "cgroup.procs"));
  for (pid_t pid; pids >> pid;) {
    if (pid > 0) kill(pid, SIGKILL);
  }
}

// A directory of a spawner that did not live to remove it; locked, so that it is ours.
struct Stale {
  UniqueFd base;
  std::string name;
  UniqueFd directory;
};

void RemoveGroups(const Stale& stale) {
  for (const std::string& child : Directories(stale.directory.get())) {
    for (int tries = 0; tries < 100; ++tries) {
      if (unlinkat(stale.directory.get(), child.c_str(), AT_REMOVEDIR) == 0 || errno != EBUSY)
        break;
      const timespec pause = {0, 5'000'000};
      nanosleep(&pause, nullptr);
    }
  }
  (void)unlinkat(stale.base.get(), stale.name.c_str(), AT_REMOVEDIR);
}

// Empties and removes what dead spawners left below `bases`. First everything is killed, in all
// hierarchies: what one of them holds frozen does not leave the others.
void Sweep(const std::vector<std::string>& bases) {
  std::vector<Stale> all;
  for (const std::string& path : bases) {
    const UniqueFd base = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
    if (!base) continue;
    for (std::string& name : Directories(base.get())) {
      if (!name.starts_with(kPrefix) || name == kLeafName) continue;
      UniqueFd directory = OpenAt(base.get(), name.c_str(), O_RDONLY | O_DIRECTORY);
      if (!directory || flock(directory.get(), LOCK_EX | LOCK_NB) != 0) continue;
      all.push_back(
          {OpenAt(base.get(), ".", O_RDONLY | O_DIRECTORY), std::move(name), std::move(directory)});
    }
  }
  for (const Stale& stale : all) {
    for (const std::string& child : Directories(stale.directory.get())) {
      const UniqueFd group = OpenAt(stale.directory.get(), child.c_str(), O_RDONLY | O_DIRECTORY);
      if (group) KillAll(group.get());
    }
  }
  for (const Stale& stale : all) RemoveGroups(stale);
}

// Where spawners that ran before this one may have left something: in our own group, and, where
// every session or command gets a new one, in the groups beside it.
void AddWithSiblings(const CgroupMount& mount, std::vector<std::string>& bases) {
  bases.push_back(mount.own);
  if (mount.own == mount.mount_point) return;
  const std::string parent = mount.own.substr(0, mount.own.rfind('/') + 1);
  const UniqueFd dir = OpenAt(AT_FDCWD, parent.c_str(), O_RDONLY | O_DIRECTORY);
  if (!dir) return;
  for (const std::string& name : Directories(dir.get())) {
    std::string sibling = parent + name;
    if (sibling != mount.own) bases.push_back(std::move(sibling));
  }
}

bool Contains(const std::string& words, const char* word) {
  std::istringstream in(words);
  for (std::string each; in >> each;) {
    if (each == word) return true;
  }
  return false;
}

// Moves every process of a v2 group into a leaf of it: a group that has processes cannot hand
// controllers to its children.
bool MoveProcessesToLeaf(int group) {
  if (mkdirat(group, kLeafName, 0755) != 0 && errno != EEXIST) return false;
  for (int round = 0; round < 10; ++round) {
    std::istringstream pids(ReadFileAt(group, "cgroup.procs"));
    bool any = false;
    for (std::string pid; pids >> pid; any = true) {
      (void)WriteFileAt(group, "nanogrid-host/cgroup.procs", pid);
    }
    if (!any) return true;
  }
  return false;
}

// Undoes MoveProcessesToLeaf for a spawner that is the last one in the leaf; fails harmlessly while
// others need it.
void LeaveLeaf(int group) {
  for (const char* change : {"-cpu", "-pids", "-memory"}) {
    (void)WriteFileAt(group, "cgroup.subtree_control", change);
  }
  if (WriteFileAt(group, "cgroup.procs", "0")) {
    (void)unlinkat(group, kLeafName, AT_REMOVEDIR);
  }
}

bool EnableControllers(int group, std::string& note) {
  const std::string available = ReadFileAt(group, "cgroup.controllers");
  for (const char* needed : {"memory", "pids"}) {
    if (!Contains(available, needed)) {
      note = std::string("cgroup v2 controller '") + needed + "' is not delegated to this process";
      return false;
    }
  }
  const std::string enabled = ReadFileAt(group, "cgroup.subtree_control");
  for (const char* name : {"memory", "pids", "cpu"}) {
    if (Contains(enabled, name) || !Contains(available, name)) continue;
    const std::string change = std::string("+") + name;
    if (WriteFileAt(group, "cgroup.subtree_control", change)) continue;
    if (errno == EBUSY && MoveProcessesToLeaf(group) &&
        WriteFileAt(group, "cgroup.subtree_control", change)) {
      continue;
    }
    note = "cannot enable cgroup v2 controller '" + std::string(name) + "': " + strerror(errno);
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
  name_ = kPrefix + std::string(text);

  note_ = "turned off by an option";
  if (wanted == wire::Cgroups::kNone) return true;
  note_ = "no cgroup file system is mounted";
  if (wanted != wire::Cgroups::kV2 && SetUpV1()) kind_ = wire::Cgroups::kV1;
  if (kind_ == wire::Cgroups::kNone && wanted != wire::Cgroups::kV1 && SetUpV2(rootless)) {
    kind_ = wire::Cgroups::kV2;
  }
  if (kind_ != wire::Cgroups::kNone) {
    note_.clear();
    return true;
  }
  Clear();
  if (wanted == wire::Cgroups::kAuto) return true;
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
  Sweep(bases);
  bool memory = false, pids = false;
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
    if (!AddHierarchy(mount.own, std::move(hierarchy))) continue;
    memory |= is_memory;
    pids |= is_pids;
  }
  if (memory && pids) return true;
  if (!hierarchies_.empty())
    note_ = "cgroup v1 has no usable memory and pids controllers; " + note_;
  Clear();
  return false;
}

bool Cgroups::SetUpV2(bool rootless) {
  for (const CgroupMount& mount : FindCgroupMounts()) {
    if (!mount.v2) continue;
    // As root the top: another manager's group is left as it is. Rootless: only what was delegated.
    std::string path = rootless ? mount.own : mount.mount_point;
    const std::string leaf = std::string("/") + kLeafName;  // where an earlier engine moved us
    if (path.ends_with(leaf)) path.resize(path.size() - leaf.size());
    const UniqueFd group = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
    if (!group || faccessat(group.get(), "cgroup.subtree_control", W_OK, AT_EACCESS) != 0) {
      note_ = path + " is not writable: no cgroup was delegated to this process";
      continue;
    }
    if (!EnableControllers(group.get(), note_)) continue;
    in_leaf_ = faccessat(group.get(), kLeafName, F_OK, 0) == 0;
    Hierarchy hierarchy;
    hierarchy.memory = hierarchy.pids = hierarchy.cpuacct = hierarchy.freezer = true;
    hierarchy.cpu = Contains(ReadFileAt(group.get(), "cgroup.subtree_control"), "cpu");
    Sweep({path});
    if (!AddHierarchy(path, std::move(hierarchy))) continue;
    if (EnableControllers(hierarchies_.back().directory.get(), note_)) return true;
    Clear();
  }
  return false;
}

std::optional<Cgroup> Cgroups::Make(Failure& failure) {
  Cgroup cgroup;
  cgroup.name = std::to_string(next_++);
  const bool v2 = kind_ == wire::Cgroups::kV2;
  const auto fail = [&](const char* step) {
    Fail(failure, errno, step);
    Remove(std::move(cgroup));
    return std::nullopt;
  };
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (mkdirat(hierarchy.directory.get(), cgroup.name.c_str(), 0755) != 0) {
      return fail("create cgroup");
    }
    UniqueFd dir = OpenAt(hierarchy.directory.get(), cgroup.name.c_str(), O_RDONLY | O_DIRECTORY);
    if (!dir) return fail("open cgroup");
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
    }
    if (hierarchy.cpuacct) open_file(wire::kCpuFd, v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY);
    if (hierarchy.freezer) {
      open_file(wire::kFreezeFd, v2 ? "cgroup.freeze" : "freezer.state", O_RDWR);
    }
    if (v2) {
      cgroup.directory = std::move(dir);
    } else {
      UniqueFd tasks = OpenAt(dir.get(), "tasks", O_WRONLY);
      if (!tasks) return fail("open cgroup tasks");
      cgroup.tasks.push_back(std::move(tasks));
    }
  }
  for (const wire::StartedFd which : {wire::kMemoryEventsFd, wire::kPidsEventsFd}) {
    char drop[256];  // poll reports the state as new until it was read once
    (void)!pread(cgroup.files[which].get(), drop, sizeof(drop), 0);
  }
  if (!cgroup.files[wire::kMemoryEventsFd]) return fail("open cgroup memory events");
  if (!cgroup.files[wire::kPidsEventsFd]) return fail("open cgroup pids.events");
  return cgroup;
}

bool Cgroups::Limit(const Cgroup& cgroup, const CgroupLimits& limits, Failure& failure) const {
  const bool v2 = kind_ == wire::Cgroups::kV2;
  const std::string memory = std::to_string(limits.memory);
  for (const Hierarchy& hierarchy : hierarchies_) {
    const UniqueFd dir =
        OpenAt(hierarchy.directory.get(), cgroup.name.c_str(), O_RDONLY | O_DIRECTORY);
    if (!dir) return Fail(failure, errno, "open cgroup");
    if (hierarchy.memory) {
      if (!WriteFileAt(dir.get(), v2 ? "memory.max" : "memory.limit_in_bytes", memory)) {
        return Fail(failure, errno, "limit memory to", memory.c_str());
      }
      // No swap beyond it; absent where the kernel does not account swap.
      (void)WriteFileAt(dir.get(), v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                        v2 ? "0" : memory);
    }
    if (hierarchy.pids &&
        !WriteFileAt(dir.get(), "pids.max", std::to_string(limits.max_processes))) {
      return Fail(failure, errno, "limit processes");
    }
    if (hierarchy.cpu && limits.cpu_quota_us != 0) {
      const std::string quota = std::to_string(limits.cpu_quota_us);
      if (!WriteFileAt(dir.get(), v2 ? "cpu.max" : "cpu.cfs_quota_us",
                       v2 ? quota + " 100000" : quota)) {
        return Fail(failure, errno, "limit cpu to", quota.c_str());
      }
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
    const timespec pause = {0, 5'000'000};
    if (!busy_.empty()) nanosleep(&pause, nullptr);
  }
  for (const Hierarchy& hierarchy : hierarchies_) {
    (void)unlinkat(hierarchy.base.get(), name_.c_str(), AT_REMOVEDIR);
    if (kind_ == wire::Cgroups::kV2 && in_leaf_) LeaveLeaf(hierarchy.base.get());
  }
  hierarchies_.clear();
}

}  // namespace nanogrid::spawner
