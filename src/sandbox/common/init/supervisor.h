// What pid 1 of every sandbox does once its descriptors are in place: starts the runtime, reaps
// orphans, reports how the runtime ended.
//
// Freestanding, for one program each: a libc's start-up would cost more than everything done here.
// Pid 1 is not dumpable and ignores every signal from inside (the kernel drops signals to a pid 1
// that has no handler). When it exits, the kernel kills the rest of the pid namespace.
#pragma once

#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#include "sandbox/common/init_wire.h"

namespace nanogrid::init {

using wire::ExitReport;
using wire::LaunchHeader;

// Always inlined: the vfork child below must not return into, or call over, its parent's frames.
[[gnu::always_inline]] inline long Syscall(long number, long a = 0, long b = 0, long c = 0,
                                           long d = 0, long e = 0, long f = 0) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

[[noreturn]] inline void Exit(int code) {
  for (;;) Syscall(__NR_exit_group, code);
}

inline void Say(const ExitReport& report) {
  Syscall(__NR_write, wire::kInitControl, reinterpret_cast<long>(&report), sizeof(report));
}

inline ExitReport Report(int kind, int value) {
  ExitReport report;
  report.kind = kind;
  report.value = value;
  return report;
}

// Descriptors are those of init_wire.h. Returns when the runtime has ended, with what is to be said
// of it.
inline ExitReport Supervise() {
  Syscall(__NR_prctl, PR_SET_DUMPABLE, 0);

  LaunchHeader header;
  long got =
      Syscall(__NR_pread64, wire::kInitLaunch, reinterpret_cast<long>(&header), sizeof(header), 0);
  if (got != sizeof(header))
    return Report(ExitReport::kExecFailed, got < 0 ? static_cast<int>(-got) : 5);
  const long mapped = Syscall(__NR_mmap, 0, static_cast<long>(header.size), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE, wire::kInitLaunch, 0);
  if (mapped < 0 && mapped > -4096)
    return Report(ExitReport::kExecFailed, static_cast<int>(-mapped));

  // NOLINTNEXTLINE(performance-no-int-to-ptr): a system call answers a number.
  auto* base = reinterpret_cast<char*>(mapped);
  auto* offsets = reinterpret_cast<unsigned long*>(base + sizeof(LaunchHeader));
  const unsigned long count = header.argc + 1 + header.envc + 1;
  for (unsigned long i = 0; i < count; ++i) {
    if (offsets[i] != 0) offsets[i] += reinterpret_cast<unsigned long>(base);
  }
  auto* argv = reinterpret_cast<char**>(offsets);
  auto* envp = argv + header.argc + 1;

  volatile long exec_error = 0;
  const long main_pid = Syscall(__NR_vfork);
  if (main_pid == 0) {
    Syscall(__NR_close_range, wire::kInitControl, ~0u, 0);
    exec_error = Syscall(__NR_execve, reinterpret_cast<long>(argv[0]), reinterpret_cast<long>(argv),
                         reinterpret_cast<long>(envp));
    Syscall(__NR_exit, 127);
  }
  if (main_pid < 0) return Report(ExitReport::kForkFailed, static_cast<int>(-main_pid));
  if (exec_error != 0) return Report(ExitReport::kExecFailed, static_cast<int>(-exec_error));

  // The runtime alone decides who else sees its standard streams end.
  Syscall(__NR_close, 0);
  Syscall(__NR_close, 1);
  Syscall(__NR_close, 2);
  Syscall(__NR_close, wire::kInitFrameInput);
  Syscall(__NR_close, wire::kInitFrameOutput);
  for (;;) {
    int status = 0;
    const long pid = Syscall(__NR_wait4, -1, reinterpret_cast<long>(&status), 0, 0);
    if (pid != main_pid) continue;
    const int signal = status & 0x7f;
    if (signal == 0) return Report(ExitReport::kExited, (status >> 8) & 0xff);
    return Report(ExitReport::kSignaled, signal);
  }
}

}  // namespace nanogrid::init

// Where the program begins: without a libc there is no main.
extern "C" [[noreturn, gnu::used]] void NanogridInit();

__asm__(
    ".global _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  and $-16, %rsp\n"
    "  call NanogridInit\n"
    "  hlt\n");
