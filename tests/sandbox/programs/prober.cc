// Runs inside a sandbox and makes the system calls that standard input lists, a line each:
//   HOW NUMBER A0 A1 A2 A3 A4 A5
// HOW is "call", "refused" (as "call", for one that should come back at once), "traced" (but the
// call itself is not carried out), "late" (as "call", but what comes back with 0, as a new process
// does, waits a moment before it says so) or "i386". Prints for each line what came back: "0" for
// success, an errno, "ended" if there was none to come back to, "signal N" or "hung". Each call is
// made by a process of its own.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// A call that is carried out may wait for ever; for the others only the machine can be slow.
constexpr int kPatienceMs = 300;
constexpr int kLongPatienceMs = 60'000;
constexpr unsigned long long kLateCycles = 100'000'000;  // far less than kPatienceMs

struct Answer {
  volatile int came;
  volatile long result;
};

// In a page of this probe's only: a process that its call made may write when the next one runs.
Answer* answer;

// An own filter on top of the sandbox's. Of two verdicts the stricter counts, and to be traced is
// less strict than to be refused: without a tracer it means ENOSYS. So what the sandbox allows
// answers ENOSYS and is not done, what it refuses answers as ever.
void TraceEverything() {
  sock_filter trace = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  const sock_fprog program = {1, &trace};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) std::abort();
}

// Nothing may follow the call, neither a function nor another call: it may share our stack with a
// child, and the filter may be ours.
[[noreturn, gnu::noinline]] void Make(bool i386, unsigned long long late_cycles,
                                      const unsigned long (&values)[7]) {
  long result = static_cast<long>(values[0]);
  if (i386) {
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(values[1]), "c"(values[2]), "d"(values[3])
                     : "memory", "r8", "r9", "r10", "r11");
  } else {
    register unsigned long r10 __asm__("r10") = values[4];
    register unsigned long r8 __asm__("r8") = values[5];
    register unsigned long r9 __asm__("r9") = values[6];
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(values[1]), "S"(values[2]), "d"(values[3]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
  }
  if (result == 0) {
    for (const auto start = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - start < late_cycles;) {
    }
  }
  answer->result = result;
  answer->came = 1;
  for (;;) __asm__ volatile("ud2");
}

// Waits until the child is dead; false: it had to be killed.
bool Await(pid_t child, int patience_ms, int& status) {
  pollfd end = {static_cast<int>(syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  const bool ended = poll(&end, 1, patience_ms) > 0;
  if (!ended) kill(child, SIGKILL);
  close(end.fd);
  waitpid(child, &status, 0);
  return ended;
}

void Probe(const char* how, const unsigned long (&values)[7]) {
  void* const page =
      mmap(nullptr, sizeof(Answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::abort();
  answer = static_cast<Answer*>(page);
  const pid_t child = fork();
  if (child == 0) {
    if (std::strcmp(how, "traced") == 0) TraceEverything();
    Make(std::strcmp(how, "i386") == 0, std::strcmp(how, "late") == 0 ? kLateCycles : 0, values);
  }
  int status = 0;
  const int patience_ms = std::strcmp(how, "call") == 0 ? kPatienceMs : kLongPatienceMs;
  const bool ended = child > 0 && Await(child, patience_ms, status);
  if (answer->came != 0) {
    const long result = answer->result;
    std::printf("%ld\n", result < 0 && result > -4096 ? -result : 0);
  } else if (!ended) {
    std::puts("hung");
  } else if (WIFSIGNALED(status)) {
    std::printf("signal %d\n", WTERMSIG(status));
  } else {
    std::puts("ended");
  }
  munmap(page, sizeof(Answer));
}

}  // namespace

int main() {
  char line[512];
  while (std::fgets(line, sizeof(line), stdin) != nullptr) {
    char* rest = std::strchr(line, ' ');
    if (rest == nullptr) return 2;
    *rest++ = '\0';
    unsigned long values[7] = {};
    for (unsigned long& value : values) value = std::strtoul(rest, &rest, 0);
    Probe(line, values);
    std::fflush(stdout);
  }
  return 0;
}
