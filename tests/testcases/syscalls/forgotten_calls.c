// act: tries calls that hardly anybody remembers
// expect: refused EPERM|ENOSYS
#include "../act.h"

int main(void) {
  Attempt("uselib", CALL(SYS_uselib, "/usr/bin/env"));
  Attempt("sysfs", CALL(SYS_sysfs, 3, 0, 0));
  Attempt("ustat", CALL(SYS_ustat, 1, buffer));
  Attempt("lookup_dcookie", CALL(SYS_lookup_dcookie, 0, buffer, 4096));
  Attempt("nfsservctl", CALL(SYS_nfsservctl, 0, buffer, buffer));
  Attempt("_sysctl", CALL(SYS__sysctl, buffer));
  Attempt("vhangup", CALL(SYS_vhangup));
  Attempt("remap_file_pages", CALL(SYS_remap_file_pages, buffer, 4096, 0, 0, 0));
  Attempt("get_kernel_syms", CALL(SYS_get_kernel_syms, buffer));
  Attempt("query_module", CALL(SYS_query_module, 0, 0, buffer, 4096, buffer));
}
