// Pid 1 inside a sandbox: starts the runtime, reaps orphans, reports how the runtime ended.
//
// Freestanding: a libc's start-up would cost more than everything done here. It inherits the
// seccomp filter, has no environment, is not dumpable, and ignores every signal from inside (the
// kernel drops signals to a pid 1 that has no handler). When it exits, the kernel kills the rest
// of the pid namespace.
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#include "sandbox/linux/wire.h"

namespace {

using nanogrid::wire::ExitReport;
using nanogrid::wire::LaunchHeader;

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

[[noreturn]] void Exit(int code) {
  for (;;) Syscall(__NR_exit_group, code);
}

[[noreturn]] void Report(int kind, int value) {
  ExitReport report;
  report.kind = kind;
  report.value = value;
  Syscall(__NR_write, nanogrid::wire::kInitControl, reinterpret_cast<long>(&report),
          sizeof(report));
  Exit(0);
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void NanogridInit() {
  Syscall(__NR_prctl, PR_SET_DUMPABLE, 0);

  LaunchHeader header;
  long got = Syscall(__NR_pread64, nanogrid::wire::kInitLaunch, reinterpret_cast<long>(&header),
                     sizeof(header), 0);
  if (got != sizeof(header)) Report(ExitReport::kExecFailed, got < 0 ? static_cast<int>(-got) : 5);
  const long mapped = Syscall(__NR_mmap, 0, static_cast<long>(header.size), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE, nanogrid::wire::kInitLaunch, 0);
  if (mapped < 0 && mapped > -4096) Report(ExitReport::kExecFailed, static_cast<int>(-mapped));

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
    Syscall(__NR_close_range, nanogrid::wire::kInitControl, ~0u, 0);
    exec_error = Syscall(__NR_execve, reinterpret_cast<long>(argv[0]), reinterpret_cast<long>(argv),
                         reinterpret_cast<long>(envp));
    Syscall(__NR_exit, 127);
  }
  if (main_pid < 0) Report(ExitReport::kForkFailed, static_cast<int>(-main_pid));
  if (exec_error != 0) Report(ExitReport::kExecFailed, static_cast<int>(-exec_error));

  // The runtime alone decides who else sees its standard streams end.
  Syscall(__NR_close, 0);
  Syscall(__NR_close, 1);
  Syscall(__NR_close, 2);
  Syscall(__NR_close, nanogrid::wire::kInitFrameInput);
  Syscall(__NR_close, nanogrid::wire::kInitFrameOutput);
  for (;;) {
    int status = 0;
    const long pid = Syscall(__NR_wait4, -1, reinterpret_cast<long>(&status), 0, 0);
    if (pid != main_pid) continue;
    const int signal = status & 0x7f;
    if (signal == 0) Report(ExitReport::kExited, (status >> 8) & 0xff);
    Report(ExitReport::kSignaled, signal);
  }
}

__asm__(
    ".global _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  and $-16, %rsp\n"
    "  call NanogridInit\n"
    "  hlt\n");
