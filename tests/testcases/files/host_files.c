// act: reads secrets of the host by their usual names
// expect: refused ENOENT|EACCES|ENOTDIR
#include "../act.h"

int main(void) {
  const char* names[] = {"/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/machine-id",
                         "/root/.bashrc", "/root/.ssh/id_rsa", "/root/.aws/credentials",
                         "/home", "/boot", "/var/log/syslog", "/var/lib/dpkg/status",
                         "/var/run/docker.sock", "/run/docker.sock", "/run/systemd/private",
                         "/mnt", "/srv", "/opt", "/media", "/var/spool", "/lost+found",
                         "/etc/ssh/ssh_host_rsa_key", "/etc/kubernetes", "/run/secrets"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) AttemptOpen(names[i], O_RDONLY);
}
