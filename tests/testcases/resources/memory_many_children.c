// act: takes memory with many processes, each of which takes little
// limits: memory=32M, processes=32
// expect: ends out_of_memory
#include "../act.h"

int main(void) {
  for (int i = 0; i < 16; ++i) {
    if (fork() == 0) {
      volatile char* memory = malloc(4 << 20);
      for (size_t at = 0; at < 4 << 20; at += 4096) memory[at] = 1;
      for (;;) pause();
    }
  }
  for (;;) pause();
}
