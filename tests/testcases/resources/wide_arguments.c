// act: starts a program with more arguments than there may be
// expect: refused E2BIG|ENOMEM
#include "../act.h"

int main(void) {
  static char long_one[200000];
  memset(long_one, 'x', sizeof(long_one) - 1);
  char* arguments[] = {"env", long_one, NULL};
  Attempt("one argument", execv("/usr/bin/env", arguments));
  long_one[100000] = 0;
  char* many[201];
  for (int i = 0; i < 200; ++i) many[i] = long_one;
  many[200] = NULL;
  Attempt("many arguments", execv("/usr/bin/env", many));
}
