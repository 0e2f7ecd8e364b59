// act: makes memory that not even the kernel can read
// expect: refused EPERM
#include "../act.h"

int main(void) { Attempt("memfd_secret", CALL(447, 0)); }
