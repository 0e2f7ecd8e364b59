// Signals that ask a program to end, and the wait for them.
#pragma once

#include <pthread.h>
#include <signal.h>

// While it lives, this thread and those that it starts leave SIGINT and SIGTERM to Wait.
class StopSignals {
 public:
  static constexpr int kWoken = SIGUSR1;

  StopSignals() : waiter_(pthread_self()) {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, kWoken}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~StopSignals() { Restore(); }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // On the thread that made this: the signal that came, or kWoken.
  int Wait() {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }
  // Ends Wait, from another thread.
  void Wake() { pthread_kill(waiter_, kWoken); }
  // The next SIGINT or SIGTERM has its usual effect: it ends the process.
  void Restore() {
    sigset_t ending = signals_;
    sigdelset(&ending, kWoken);
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  }

 private:
  const pthread_t waiter_;
  sigset_t signals_ = {};
  sigset_t before_ = {};
};
