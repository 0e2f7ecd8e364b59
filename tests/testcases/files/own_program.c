// act: overwrites the file of its own program
// expect: refused EROFS|ETXTBSY|EACCES
#include "../act.h"

int main(void) {
  AttemptOpen("/proc/self/exe", O_WRONLY);
  AttemptOpen("/proc/self/exe", O_RDWR | O_TRUNC);
  Attempt("unlink", unlink("/var/task/files/own_program"));
  Attempt("truncate", truncate("/proc/self/exe", 0));
}
