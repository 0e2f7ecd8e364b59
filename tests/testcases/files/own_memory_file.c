// act: writes to the memory of a shared program through /proc/self/mem, past its protection
// expect: refused EROFS|EACCES|EPERM
// expect docker: returns the file is as it was
#include "../act.h"

int main(void) {
  const int memory = open("/proc/self/mem", O_RDWR);
  if (memory < 0) {
    Attempt("/proc/self/mem", -1);
    return 0;
  }
  const int file = open("/proc/self/exe", O_RDONLY);
  char before[16], after[16];
  (void)!pread(file, before, sizeof(before), 0);
  const int kinds[] = {MAP_PRIVATE, MAP_SHARED};
  for (int i = 0; i < 2; ++i) {
    void* mapped = mmap(NULL, 4096, PROT_READ, kinds[i], file, 0);
    (void)!pwrite(memory, "nanogrid was here", 16, (off_t)(uintptr_t)mapped);
  }
  (void)!pread(file, after, sizeof(after), 0);
  if (memcmp(before, after, sizeof(before)) != 0) Escaped("the file has changed");
  puts("the file is as it was");
}
