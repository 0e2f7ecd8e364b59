// act: switches to 32-bit code with a far return, to make calls there
// QEMU emulates the return so badly that the kernel of a guest kills the program for it.
// expect: killed SIGSYS or killed SIGKILL
#include "../act.h"

int main(void) {
  unsigned char* code = mmap((void*)0x10000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  static const unsigned char bytes[] = {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x0f, 0x0b};
  memcpy(code, bytes, sizeof(bytes));
  __asm__ volatile("pushq $0x23\n pushq %0\n lretq" : : "r"((uint64_t)code) : "memory");
}
