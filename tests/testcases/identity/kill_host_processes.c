// act: sends signals to processes of the host
// expect: refused ESRCH|EPERM|EINVAL or returns my own number
#include "../act.h"

int main(void) {
  const int pid = atoi(Bait("pid"));
  if (pid <= 2) {
    puts("my own number");
    return 0;
  }
  Attempt("kill", kill(pid, SIGWINCH));
  Attempt("kill group", kill(-pid, SIGWINCH));
  Attempt("tgkill", CALL(SYS_tgkill, pid, pid, SIGWINCH));
  siginfo_t forged = {.si_code = SI_QUEUE};
  Attempt("rt_sigqueueinfo", CALL(SYS_rt_sigqueueinfo, pid, SIGWINCH, &forged));
}
