// act: makes an i386 call
// expect: killed SIGSYS
#include "../act.h"

int main(void) {
  long result = 20;
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
  Attempt("int 0x80", result);
}
