#include "sandbox/linux/spawner/cgroup_sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <time.h>

#include <memory>
#include <sstream>

#include "sandbox/linux/spawner/files.h"

namespace nanogrid::spawner {
namespace {

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

// v1 is frozen meanwhile, so that what is not killed yet does not fork; the signals strike when it
// thaws.
void KillAll(int dir) {
  (void)WriteFileAt(dir, "cgroup.freeze", "0");
  if (WriteFileAt(dir, "cgroup.kill", "1")) return;
  (void)WriteFileAt(dir, "freezer.state", "FROZEN");
  std::istringstream pids(ReadFileAt(dir, "cgroup.procs"));
  for (pid_t pid; pids >> pid;) {
    if (pid > 0) kill(pid, SIGKILL);
  }
  (void)WriteFileAt(dir, "freezer.state", "THAWED");
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

}  // namespace

// First everything is killed, in all hierarchies: what one of them holds frozen does not leave the
// others.
void SweepCgroups(const std::vector<std::string>& bases) {
  std::vector<Stale> all;
  for (const std::string& path : bases) {
    const UniqueFd base = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
    if (!base) continue;
    for (std::string& name : Directories(base.get())) {
      if (!name.starts_with(kCgroupPrefix) || name == kCgroupLeaf) continue;
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

}  // namespace nanogrid::spawner
