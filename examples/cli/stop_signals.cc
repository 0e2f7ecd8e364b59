#include "stop_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "exit_codes.h"

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// A handler may only do what is async-signal-safe (signal-safety(7)): it wakes a thread.
int wake_pipe[2] = {-1, -1};
std::atomic<bool> signaled = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int) {
  if (signaled.exchange(true)) _exit(kExitCancelled);
  const int saved = errno;
  [[maybe_unused]] const ssize_t written = write(wake_pipe[1], "s", 1);
  errno = saved;
}

void Handle(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  // Without a pipe signals keep their default effect.
  if (pipe2(wake_pipe, O_CLOEXEC) != 0) return;
  waiter_ = std::thread([this, end = wake_pipe[0]] {
    char why = 0;
    while (read(end, &why, 1) < 0 && errno == EINTR) {
    }
    if (why == 's') source_.request_stop();
  });
  Handle(OnSignal);
}

StopSignals::~StopSignals() {
  if (!waiter_.joinable()) return;
  Handle(SIG_DFL);
  [[maybe_unused]] const ssize_t written = write(wake_pipe[1], "e", 1);
  waiter_.join();
  for (int& end : wake_pipe) close(std::exchange(end, -1));
  signaled = false;
}
