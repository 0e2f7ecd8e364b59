// Runs inside a sandbox and tries one thing: probe COMMAND [ARGUMENT...]
//   calls NR,A0,…,A5 …   makes raw system calls; prints "ok" or the errno of each, a line each.
//                        An argument is a number, or "buffer" (4 KiB of zeros), or "name" ("x").
//   fds                  prints which descriptors are open
//   int80 | x32          makes a system call of a foreign ABI
//   hog | fork-bomb | thread-bomb | spin | stubborn
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

alignas(4096) char buffer[4096];
char name[] = "x";

long Argument(const std::string& text) {
  if (text == "buffer") return reinterpret_cast<long>(buffer);
  if (text == "name") return reinterpret_cast<long>(name);
  return static_cast<long>(std::strtoull(text.c_str(), nullptr, 0));
}

void Call(std::string spec) {
  long values[7] = {};
  for (size_t i = 0; i < 7 && !spec.empty(); ++i) {
    const size_t comma = spec.find(',');
    values[i] = Argument(spec.substr(0, comma));
    spec = comma == std::string::npos ? "" : spec.substr(comma + 1);
  }
  std::memset(buffer, 0, sizeof(buffer));
  const long result =
      syscall(values[0], values[1], values[2], values[3], values[4], values[5], values[6]);
  if (result >= 0) {
    std::puts("ok");
  } else {
    std::printf("%d\n", errno);
  }
  std::fflush(stdout);
}

void PrintDescriptors() {
  for (int fd = 0; fd < 65536; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) std::printf("%d ", fd);
  }
}

[[noreturn]] void Hog() {
  for (;;) {
    void* const chunk =
        mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk != MAP_FAILED) std::memset(chunk, 1, 1 << 20);
  }
}

void* Sleep(void*) {
  for (;;) pause();
}

[[noreturn]] void ThreadBomb() {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  pthread_t thread;
  for (;;) (void)pthread_create(&thread, &small, Sleep, nullptr);
}

// Ignores what can be ignored and has descendants in sessions of their own.
[[noreturn]] void Stubborn() {
  for (int signal = 1; signal < 64; ++signal) ::signal(signal, SIG_IGN);
  for (int i = 0; i < 3; ++i) {
    if (fork() == 0) {
      setsid();
      if (fork() != 0) _exit(0);
      for (;;) pause();
    }
  }
  (void)!write(2, "ready\n", 6);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "calls") {
    for (int i = 2; i < argc; ++i) {
      if (std::strchr(argv[i], ',') != nullptr) Call(argv[i]);
    }
  } else if (command == "fds") {
    PrintDescriptors();
  } else if (command == "int80") {
    long result = 20;  // getpid
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    std::printf("%ld\n", result);
  } else if (command == "x32") {
    std::printf("%ld\n", syscall(0x40000000L | SYS_getpid));
  } else if (command == "hog") {
    Hog();
  } else if (command == "fork-bomb") {
    for (;;) (void)fork();
  } else if (command == "thread-bomb") {
    ThreadBomb();
  } else if (command == "stubborn") {
    Stubborn();
  } else if (command == "spin") {
    for (;;) __asm__ volatile("");
  } else {
    return 93;
  }
  return 0;
}
