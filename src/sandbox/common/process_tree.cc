#include "sandbox/common/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/unique_fd.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxProcesses = 100'000;
constexpr uint64_t kLittleSharedMemory = 1 << 20;

std::string ReadProc(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char buffer[4096];
  ssize_t got;
  while (fd && (got = read(fd.get(), buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

// Fields 14 to 17 of /proc/PID/stat: utime, stime, cutime, cstime; 20: threads (proc(5)).
void AddStat(const std::string& directory, bool is_init, TreeUsage& usage) {
  const std::string stat = ReadProc(directory + "/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream in(stat.substr(name_end + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) in >> skipped;
  int64_t ticks = 0, value = 0;
  for (int field = 14; field <= 17; ++field) {
    in >> value;
    ticks += value;
  }
  static const long per_second = sysconf(_SC_CLK_TCK);
  usage.cpu += std::chrono::nanoseconds(ticks * (1'000'000'000 / per_second));
  uint64_t threads = 0;
  in >> skipped >> skipped >> threads;
  if (!is_init) usage.processes += threads;
}

uint64_t Field(const std::string& text, const std::string& name) {  // "Name:  123 kB", in bytes
  const size_t at = text.find("\n" + name + ":");
  if (at == std::string::npos) return 0;
  return std::strtoull(text.c_str() + at + name.size() + 2, nullptr, 10) * 1024;
}

// Anonymous memory, and this process's part of what is shared: mapped files of tmpfs, memfds,
// System V segments. Exact figures of that cost more than the rest; little of it is left out.
void AddMemory(const std::string& directory, TreeUsage& usage) {
  const std::string status = ReadProc(directory + "/status");
  usage.memory += Field(status, "RssAnon");
  if (Field(status, "RssShmem") < kLittleSharedMemory) return;
  usage.memory += Field(ReadProc(directory + "/smaps_rollup"), "Pss_Shmem");
}

void AddChildren(const std::string& directory, std::vector<pid_t>& pids) {
  const std::string tasks = directory + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(tasks.c_str()), closedir);
  if (!stream) return;
  while (const dirent* entry = readdir(stream.get())) {
    if (entry->d_name[0] == '.') continue;
    std::istringstream in(ReadProc(tasks + "/" + entry->d_name + "/children"));
    for (pid_t child; in >> child;) pids.push_back(child);
  }
}

}  // namespace

TreeUsage ReadProcessTree(pid_t init) {
  TreeUsage usage;
  std::vector<pid_t> pids = {init};
  for (size_t i = 0; i < pids.size() && i < kMaxProcesses; ++i) {
    const std::string directory = "/proc/" + std::to_string(pids[i]);
    AddStat(directory, i == 0, usage);
    AddMemory(directory, usage);
    AddChildren(directory, pids);
  }
  return usage;
}

}  // namespace nanogrid
