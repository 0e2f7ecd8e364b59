// act: changes mode and owner of the host's device nodes
// expect: refused EROFS|EPERM|EACCES
#include "../act.h"

int main(void) {
  const char* names[] = {"/dev/null", "/dev/zero", "/dev/urandom"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    Attempt("chmod", chmod(names[i], 0666));
    Attempt("chown", chown(names[i], getuid(), getgid()));
  }
  Attempt("chmod by descriptor", fchmod(open("/dev/null", O_RDWR), 0666));
}
