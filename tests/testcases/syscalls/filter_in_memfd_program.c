// act: runs a program from memory, hoping that the filter is the file's
// expect: refused EPERM
// expect without-cgroups: refused ENOSYS
#include "../act.h"

int main(int count, char** arguments) {
  if (count < 3) {
    const int from = open("/proc/self/exe", O_RDONLY);
    const int to = (int)CALL(SYS_memfd_create, "program", 0);
    if (to < 0) {
      Attempt("memfd_create", -1);
      return 0;
    }
    ssize_t got;
    while ((got = read(from, buffer, sizeof(buffer))) > 0) {
      if (write(to, buffer, (size_t)got) != got) return 1;
    }
    char* again[] = {arguments[0], arguments[1], "again", NULL};
    CALL(SYS_execveat, to, "", again, NULL, AT_EMPTY_PATH);
    return 1;
  }
  Attempt("ptrace", CALL(SYS_ptrace, 0, 0, 0, 0));
}
