// act: writes kernel settings
// expect: refused EROFS|EACCES|EPERM|ENOENT
#include "../act.h"

int main(void) {
  const char* names[] = {"kernel/core_pattern", "kernel/modprobe", "kernel/hostname",
                         "kernel/domainname", "kernel/sysrq", "kernel/randomize_va_space",
                         "kernel/ns_last_pid", "kernel/unprivileged_bpf_disabled",
                         "kernel/hotplug", "kernel/yama/ptrace_scope", "kernel/shmmax",
                         "vm/overcommit_memory", "vm/drop_caches", "vm/panic_on_oom",
                         "net/ipv4/ip_forward", "net/ipv4/ping_group_range",
                         "fs/binfmt_misc/register", "fs/protected_symlinks", "fs/suid_dumpable",
                         "user/max_user_namespaces"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    char path[128];
    snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
    AttemptOpen(path, O_WRONLY);
  }
}
