#include "sandbox/linux/spawner/cgroup_mounts.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "sandbox/linux/spawner/files.h"

namespace nanogrid::spawner {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

// Own path by controller; "" is v2. Lines are "N:controller,controller:/path" (cgroups(7)).
std::map<std::string, std::string> OwnPaths() {
  std::map<std::string, std::string> paths;
  std::istringstream in(ReadFileAt(AT_FDCWD, "/proc/self/cgroup"));
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (names.empty()) paths[""] = path;
    for (const std::string& name : Split(names, ',')) paths[name] = path;
  }
  return paths;
}

// The directory of `path` under a mount whose root is `root`; the mount point itself if the path is
// outside of what is mounted (a container that sees only its own part).
std::string Below(const std::string& mount_point, const std::string& root, std::string path) {
  if (root != "/") {
    if (path.compare(0, root.size(), root) != 0) return mount_point;
    path = path.substr(root.size());
  }
  if (path.empty() || path == "/" || path.compare(0, 3, "/..") == 0) return mount_point;
  return mount_point + path;
}

}  // namespace

std::vector<CgroupMount> FindCgroupMounts() {
  std::vector<CgroupMount> mounts;
  const std::map<std::string, std::string> own = OwnPaths();
  std::istringstream in(ReadFileAt(AT_FDCWD, "/proc/self/mountinfo"));
  for (std::string line; std::getline(in, line);) {
    // 36 35 98:0 /root /mount/point rw,noatime shared:1 - cgroup source rw,memory (proc(5))
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> left = Split(line.substr(0, dash), ' ');
    const std::vector<std::string> right = Split(line.substr(dash + 3), ' ');
    if (left.size() < 6 || right.size() < 3) continue;
    CgroupMount mount;
    mount.mount_point = left[4];
    mount.v2 = right[0] == "cgroup2";
    std::string path;
    if (mount.v2) {
      if (auto it = own.find(""); it != own.end()) path = it->second;
    } else if (right[0] == "cgroup") {
      for (const std::string& option : Split(right[2], ',')) {
        const auto it = own.find(option);
        if (it == own.end()) continue;
        mount.controllers.push_back(option);
        path = it->second;
      }
      if (mount.controllers.empty()) continue;
    } else {
      continue;
    }
    mount.own = Below(mount.mount_point, left[3], path);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace nanogrid::spawner
