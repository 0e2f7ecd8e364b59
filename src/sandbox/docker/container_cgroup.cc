#include "sandbox/docker/container_cgroup.h"

#include <fcntl.h>

#include <fstream>
#include <iterator>
#include <vector>

namespace nanogrid::docker {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool Contains(const std::vector<std::string_view>& list, std::string_view wanted) {
  for (const std::string_view entry : list) {
    if (entry == wanted) return true;
  }
  return false;
}

// The third field of the line "ID:controllers:path".
std::string_view PathOf(std::string_view pid_cgroup, std::string_view controller) {
  for (const std::string_view line : Split(pid_cgroup, '\n')) {
    const std::vector<std::string_view> fields = Split(line, ':');
    if (fields.size() < 3) continue;
    const bool found = controller.empty() ? fields[0] == "0" && fields[1].empty()
                                          : Contains(Split(fields[1], ','), controller);
    if (found) return line.substr(fields[0].size() + fields[1].size() + 2);
  }
  return {};
}

UniqueFd OpenFile(const std::string& directory, const char* name, int flags = O_RDONLY) {
  if (directory.empty()) return UniqueFd();
  return UniqueFd(open((directory + "/" + name).c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace

std::string CgroupDirectory(std::string_view pid_cgroup, std::string_view mountinfo,
                            std::string_view controller) {
  const std::string_view path = PathOf(pid_cgroup, controller);
  // "/../x": outside of what our own cgroup namespace shows.
  if (path.empty() || path.find("/..") != path.npos) return {};
  for (const std::string_view line : Split(mountinfo, '\n')) {
    // "ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [OPTIONAL…] - TYPE SOURCE SUPEROPTIONS" (proc(5))
    const size_t dash = line.find(" - ");
    if (dash == line.npos) continue;
    const std::vector<std::string_view> before = Split(line.substr(0, dash), ' ');
    const std::vector<std::string_view> after = Split(line.substr(dash + 3), ' ');
    if (before.size() < 6 || after.size() < 3) continue;
    const bool fits = controller.empty()
                          ? after[0] == "cgroup2"
                          : after[0] == "cgroup" && Contains(Split(after[2], ','), controller);
    if (!fits) continue;
    const std::string_view root = before[3] == "/" ? std::string_view() : before[3];
    if (!path.starts_with(root)) continue;
    const std::string_view rest = path.substr(root.size());
    if (!rest.empty() && rest[0] != '/') continue;
    return std::string(before[4]).append(rest);
  }
  return {};
}

std::optional<CgroupFiles> OpenContainerCgroup(pid_t pid) {
  const std::string cgroups = ReadAll("/proc/" + std::to_string(pid) + "/cgroup");
  const std::string mounts = ReadAll("/proc/self/mountinfo");
  const auto directory = [&](const char* controller) {
    return CgroupDirectory(cgroups, mounts, controller);
  };
  CgroupFiles files;
  if (const std::string memory = directory("memory"); !memory.empty()) {
    files.memory = OpenFile(memory, "memory.usage_in_bytes");
    files.peak_memory = OpenFile(memory, "memory.max_usage_in_bytes");
    files.memory_events = OpenFile(memory, "memory.oom_control");
    files.pids_events = OpenFile(directory("pids"), "pids.events");
    files.members = OpenFile(directory("pids"), "cgroup.procs");
    files.cpu = OpenFile(directory("cpuacct"), "cpuacct.usage");
    files.freeze = OpenFile(directory("freezer"), "freezer.state", O_RDWR);
  } else if (const std::string unified = directory(""); !unified.empty()) {
    files.memory = OpenFile(unified, "memory.current");
    files.peak_memory = OpenFile(unified, "memory.peak");
    files.memory_events = OpenFile(unified, "memory.events");
    files.pids_events = OpenFile(unified, "pids.events");
    files.members = OpenFile(unified, "cgroup.events");
    files.cpu = OpenFile(unified, "cpu.stat");
    files.freeze = OpenFile(unified, "cgroup.freeze", O_RDWR);
  }
  if (!files.memory_events || !files.pids_events || !files.memory) return std::nullopt;
  return files;
}

}  // namespace nanogrid::docker
