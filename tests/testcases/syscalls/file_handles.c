// act: opens files by handle, past all directories (as Docker was once left)
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("name_to_handle_at", CALL(SYS_name_to_handle_at, AT_FDCWD, "/", buffer, buffer + 512, 0));
  buffer[0] = 8;
  buffer[4] = 1;
  buffer[8] = 2;
  const int root = open("/", O_RDONLY);
  Attempt("open_by_handle_at", CALL(SYS_open_by_handle_at, root, buffer, O_RDONLY));
  Attempt("open_by_handle_at pidfs", CALL(SYS_open_by_handle_at, -10002, buffer, O_RDONLY));
}
