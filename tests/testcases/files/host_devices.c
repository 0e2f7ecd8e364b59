// act: opens devices of the host
// expect: refused ENOENT|EACCES|EPERM|ENXIO|ENODEV
#include "../act.h"

int main(void) {
  const char* names[] = {"sda", "vda", "nvme0n1", "loop0", "loop-control", "kvm", "fuse", "tty",
                         "tty0", "tty1", "console", "pts/0", "vhost-net",
                         "net/tun", "input/event0", "hwrng", "rtc0", "snapshot", "uinput", "vsock",
                         "mapper/control", "btrfs-control", "cpu_dma_latency", "nvidia0", "dri/card0"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    char path[64];
    snprintf(path, sizeof(path), "/dev/%s", names[i]);
    AttemptOpen(path, O_RDWR);
  }
}
