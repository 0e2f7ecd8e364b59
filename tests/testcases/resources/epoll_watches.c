// act: adds watches, which are counted by user
// limits: memory=24M, files=1024, timeout_ms=3000
// expect: refused ENOSPC|EMFILE|ENOMEM|ELOOP|EEXIST|EINVAL or ends out_of_memory|timeout
#include <sys/epoll.h>

#include "../act.h"

int main(void) {
  int polls[400], ends[400][2];
  for (int i = 0; i < 400; ++i) {
    polls[i] = epoll_create1(0);
    if (polls[i] < 0 || (i < 200 && pipe(ends[i]) != 0)) {
      Attempt("open", -1);
      return 0;
    }
  }
  for (int i = 0; i < 400; ++i) {
    for (int j = 0; j < 200; ++j) {
      struct epoll_event event = {EPOLLIN, {0}};
      if (epoll_ctl(polls[i], EPOLL_CTL_ADD, ends[j][0], &event) == 0) continue;
      Attempt("watch", -1);
      return 0;
    }
  }
  Attempt("all fit", -(long)(errno = EINVAL, 1));
}
