// The least a program can do: one byte on standard output, then exit. No libc.
#include <asm/unistd.h>

extern "C" [[noreturn, gnu::used]] void TinyMain() {
  const char byte = '1';
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(__NR_write), "D"(1), "S"(&byte), "d"(1)
                   : "rcx", "r11", "memory");
  for (;;) {
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(__NR_exit_group), "D"(0)
                     : "rcx", "r11", "memory");
  }
}

__asm__(
    ".global _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  and $-16, %rsp\n"
    "  call TinyMain\n"
    "  hlt\n");
