// act: returns and leaves stopped children
// expect: returns done
#include "../act.h"

int main(void) {
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
  }
  puts("done");
}
