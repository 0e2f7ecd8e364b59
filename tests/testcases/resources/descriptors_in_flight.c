// act: keeps more descriptors than it may by sending them to itself
// limits: files=256
// expect: refused ETOOMANYREFS|EMFILE|EAGAIN
#include "../act.h"

int main(void) {
  for (int round = 0; round < 100000; ++round) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0) break;
    char control[CMSG_SPACE(sizeof(int) * 2)] = {0};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * 2);
    memcpy(CMSG_DATA(header), ends, sizeof(ends));
    if (sendmsg(ends[0], &message, 0) < 0) break;
    close(ends[0]);
    close(ends[1]);
  }
  Attempt("send", -1);
}
