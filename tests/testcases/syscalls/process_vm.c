// act: reads and writes the memory of other processes
// expect: refused EPERM
#include "../act.h"

int main(void) {
  void* part[2] = {buffer, (void*)8};
  Attempt("read init", CALL(SYS_process_vm_readv, 1, part, 1, part, 1, 0));
  Attempt("write init", CALL(SYS_process_vm_writev, 1, part, 1, part, 1, 0));
  Attempt("read itself", CALL(SYS_process_vm_readv, getpid(), part, 1, part, 1, 0));
  Attempt("process_madvise", CALL(440, -1, part, 1, 4, 0));
}
