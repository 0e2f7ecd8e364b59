#include "sandbox/common/instance_files.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "sandbox/common/process_tree.h"

namespace nanogrid {
namespace {

// The number after `label` at the start of a line; the number at the start of the file if label is
// empty; 0 if it cannot be read.
uint64_t ReadNumber(int fd, const char* label) {
  char text[1024];
  const ssize_t got = fd >= 0 ? pread(fd, text, sizeof(text) - 1, 0) : -1;
  if (got <= 0) return 0;
  text[got] = '\0';
  const size_t length = std::strlen(label);
  for (const char* line = text; line != nullptr;) {
    if (std::strncmp(line, label, length) == 0) return std::strtoull(line + length, nullptr, 10);
    line = std::strchr(line, '\n');
    if (line != nullptr) ++line;
  }
  return 0;
}

constexpr Duration kFreezeTime = std::chrono::seconds(1);
constexpr Duration kNap = std::chrono::microseconds(50);
// After so many naps, some twenty milliseconds, and after so many thawed in between.
constexpr int kAskAgain = 200, kThaw = 5 * kAskAgain;

bool IsV2(int freeze_fd) {
  char text[16] = {};  // "0\n" or "THAWED\n"
  return freeze_fd >= 0 && pread(freeze_fd, text, sizeof(text) - 1, 0) > 0 && text[0] == '0';
}

}  // namespace

InstanceFiles::InstanceFiles(pid_t init, bool has_cgroup, CgroupFiles cgroup)
    : init_(init),
      has_cgroup_(has_cgroup),
      cgroup_(std::move(cgroup)),
      v2_(IsV2(cgroup_.freeze.get())) {}

void InstanceFiles::Remember() const {
  if (!has_cgroup()) return;
  seen_cpu_ = CpuTime();
  seen_peak_ = PeakMemory();
  seen_oom_kills_ = OomKills();
  seen_fork_refusals_ = ForkRefusals();
}

Duration InstanceFiles::CpuTime() const {
  if (!has_cgroup()) return ReadProcessTree(init_).cpu;
  const int fd = cgroup_.cpu.get();
  Duration read = v2_ ? Duration(std::chrono::microseconds(ReadNumber(fd, "usage_usec ")))
                      : Duration(std::chrono::nanoseconds(ReadNumber(fd, "")));
  return std::max(read, seen_cpu_);
}

uint64_t InstanceFiles::Memory() const {
  if (!has_cgroup()) return ReadProcessTree(init_).memory;
  return ReadNumber(cgroup_.memory.get(), "");
}

uint64_t InstanceFiles::PeakMemory() const {
  if (!has_cgroup()) return Memory();
  return std::max(ReadNumber(cgroup_.peak_memory.get(), ""), seen_peak_);
}

uint64_t InstanceFiles::OomKills() const {
  return std::max(ReadNumber(cgroup_.memory_events.get(), "oom_kill "), seen_oom_kills_);
}

uint64_t InstanceFiles::ForkRefusals() const {
  return std::max(ReadNumber(cgroup_.pids_events.get(), "max "), seen_fork_refusals_);
}

bool InstanceFiles::SetFrozen(bool frozen) const {
  const int fd = cgroup_.freeze.get();
  if (fd < 0 || !has_cgroup()) return false;
  const char* const text = v2_ ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");
  const auto length = static_cast<ssize_t>(std::strlen(text));
  return pwrite(fd, text, static_cast<size_t>(length), 0) == length;
}

bool InstanceFiles::WaitFrozen() const {
  const int state_file = v2_ ? cgroup_.members.get() : cgroup_.freeze.get();
  if (state_file < 0) return false;
  const TimePoint end = std::chrono::steady_clock::now() + kFreezeTime;
  for (int naps = 1; std::chrono::steady_clock::now() < end; ++naps) {
    if (v2_ && ReadNumber(state_file, "frozen ") == 1) return true;
    char state[16] = {};  // "FREEZING" until it is "FROZEN" (v1)
    if (!v2_ && pread(state_file, state, sizeof(state) - 1, 0) > 0 &&
        std::strncmp(state, "FROZEN", 6) == 0) {
      return true;
    }
    std::this_thread::sleep_for(kNap);
    if (v2_ || naps % kAskAgain != 0) continue;
    // v1 may miss who is just being forked: it wants to be asked again, and now and then afresh.
    if (naps % kThaw == 0) SetFrozen(false);
    SetFrozen(true);
  }
  return false;
}

void InstanceFiles::KillAll() const {
  if (v2_ && cgroup_.kill) (void)!pwrite(cgroup_.kill.get(), "1", 1, 0);
}

bool InstanceFiles::IsEmpty() const {
  const int members = cgroup_.members.get();
  if (members < 0) return true;
  if (v2_) return ReadNumber(members, "populated ") == 0;
  char pid[16];
  return pread(members, pid, sizeof(pid), 0) <= 0;
}

}  // namespace nanogrid
