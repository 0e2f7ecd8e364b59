// act: runs a 32-bit program, which makes an i386 call
// expect: killed SIGSYS or refused ENOEXEC
#include "../act.h"

int main(void) {
  // An ELF32 file with one segment at 0x10000: mov eax, 20; int 0x80; ud2.
  static const unsigned char code[] = {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x0f, 0x0b};
  uint32_t file[256] = {0};
  file[0] = 0x464c457f;
  file[1] = 0x00010101;
  file[4] = 3 << 16 | 2;                 // EXEC, i386
  file[5] = 1;
  file[6] = 0x10000 + 0x80;              // entry
  file[7] = 52;                          // program headers
  file[10] = 32 << 16 | 52;
  file[11] = 1;
  const uint32_t header[8] = {1, 0, 0x10000, 0x10000, 1024, 1024, 5, 0x1000};
  memcpy(&file[13], header, sizeof(header));
  memcpy((char*)file + 0x80, code, sizeof(code));
  const int fd = open("/tmp/program32", O_WRONLY | O_CREAT, 0755);
  if (write(fd, file, sizeof(file)) != sizeof(file)) return 1;
  close(fd);
  char* arguments[] = {"program32", NULL};
  Attempt("execve", execv("/tmp/program32", arguments));
}
