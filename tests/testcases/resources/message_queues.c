// act: fills System V message queues, whose memory belongs to no process
// limits: memory=24M
// expect without-cgroups: refused ENOSYS
// expect: refused ENOSPC|EAGAIN|ENOMEM or ends out_of_memory
#include <sys/msg.h>

#include "../act.h"

int main(void) {
  static struct {
    long type;
    char text[8000];
  } message = {1, ""};
  for (int i = 0; i < 100000; ++i) {
    const int queue = msgget(IPC_PRIVATE, 0600);
    if (queue < 0) {
      Attempt("queue", -1);
      return 0;
    }
    while (msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT) == 0) {
    }
  }
  Escaped("100000 queues");
}
