// act: loads BPF programs and makes maps
// expect: refused EPERM
#include "../act.h"

int main(void) {
  for (int command = 0; command < 40; ++command) Attempt("bpf", CALL(SYS_bpf, command, buffer, 64));
}
