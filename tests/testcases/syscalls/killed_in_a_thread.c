// act: makes a forbidden call in a second process; the first goes on and says so
// expect: returns child killed by 31
#include "../act.h"

int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    CALL(SYS_reboot, 0, 0, 0, 0);
    Escaped("reboot answered");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("child killed by %d\n", WTERMSIG(status));
}
