// act: clones a mount and makes it writable with the newest call for it
// expect: refused ENOSYS|EPERM
#include "../act.h"

int main(void) { Attempt("open_tree_attr", CALL(467, AT_FDCWD, "/usr", 1, buffer, 32)); }
