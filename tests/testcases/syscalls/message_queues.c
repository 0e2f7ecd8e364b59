// act: makes POSIX message queues, whose memory nobody counts
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("mq_open", CALL(SYS_mq_open, "queue", O_RDWR | O_CREAT, 0600, 0));
  Attempt("mq_unlink", CALL(SYS_mq_unlink, "queue"));
}
