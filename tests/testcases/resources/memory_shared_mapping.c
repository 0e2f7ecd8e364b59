// act: takes shared anonymous memory until none is left
// limits: memory=32M
// expect: ends out_of_memory
#include "../act.h"

int main(void) {
  for (;;) {
    char* piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (piece != MAP_FAILED) memset(piece, 1, 1 << 20);
  }
}
