// act: sends devices and file systems requests that hardly any program needs
// expect: refused EPERM|ENOSYS|ENOTTY
#include "../act.h"

int main(void) {
  const unsigned long requests[] = {
      0x540e /* TIOCSCTTY */,  0x5423 /* TIOCSETD */, 0x4b33 /* KDSKBLED */,
      0x40049409 /* FICLONE */, 0x40086602 /* FS_IOC_SETFLAGS */, 0xae01 /* KVM_CREATE_VM */,
      0xc0045878 /* FITHAW */, 0x89f0 /* SIOCDEVPRIVATE */, 0x8914 /* SIOCSIFFLAGS */,
      0x5410 /* TIOCSPGRP */, 0x801c581f /* XFS */, 0xb703 /* NS_GET_NSTYPE */};
  for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); ++i) {
    for (int fd = 0; fd < 3; ++fd) Attempt("ioctl", CALL(SYS_ioctl, fd, requests[i], buffer));
  }
}
