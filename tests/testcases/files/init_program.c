// act: overwrites the program that pid 1 runs, which the host uses again (runc's CVE-2019-5736)
// expect: refused EACCES|EPERM|ENOENT
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/1/exe", O_RDONLY);
  AttemptOpen("/proc/1/exe", O_WRONLY);
  AttemptOpen("/proc/1/exe", O_PATH);
  char* arguments[] = {"init", NULL};
  Attempt("execute", execv("/proc/1/exe", arguments));
}
