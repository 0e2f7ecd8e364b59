// act: takes memory until none is left
// limits: memory=32M
// expect: ends out_of_memory
#include "../act.h"

int main(void) {
  for (;;) {
    char* piece = malloc(1 << 20);
    if (piece != NULL) memset(piece, 1, 1 << 20);
  }
}
