// act: opens a netlink socket by i386's socketcall, whose arguments a filter cannot see
// expect: killed SIGSYS
#include "../act.h"

int main(void) {
  uint32_t* arguments = mmap((void*)0x10000000, 4096, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  arguments[0] = 16;
  arguments[1] = 3;
  long result = 102;
  __asm__ volatile("int $0x80" : "+a"(result) : "b"(1), "c"(0x10000000) : "memory");
  Attempt("socketcall", result);
}
