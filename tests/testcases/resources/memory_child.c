// act: lets a child take the memory and waits
// limits: memory=32M
// expect: ends out_of_memory
#include "../act.h"

int main(void) {
  if (fork() == 0) {
    for (;;) {
      char* piece = malloc(1 << 20);
      if (piece != NULL) memset(piece, 1, 1 << 20);
    }
  }
  for (;;) pause();
}
