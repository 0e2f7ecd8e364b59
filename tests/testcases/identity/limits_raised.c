// act: raises its resource limits
// expect: refused EPERM|ENOSYS
#include <sys/resource.h>

#include "../act.h"

int main(void) {
  const int kinds[] = {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
                       RLIMIT_RTPRIO, RLIMIT_NICE};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); ++i) {
    struct rlimit limit;
    getrlimit((__rlimit_resource_t)kinds[i], &limit);
    if (limit.rlim_max == RLIM_INFINITY) {
      printf("ESCAPED no limit %d\n", kinds[i]);
      continue;
    }
    limit.rlim_cur = limit.rlim_max = limit.rlim_max + 1;
    Attempt("setrlimit", setrlimit((__rlimit_resource_t)kinds[i], &limit));
  }
}
