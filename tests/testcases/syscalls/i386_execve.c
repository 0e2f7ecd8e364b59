// act: starts a program with i386's number, which is munmap's in the other ABI
// expect: killed SIGSYS
#include "../act.h"

int main(void) {
  long result = 11;
  __asm__ volatile("int $0x80" : "+a"(result) : "b"(0), "c"(0), "d"(0) : "memory");
  Attempt("int 0x80", result);
}
