#include "sandbox/seccomp/policy.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

namespace nanogrid::seccomp {
namespace {

constexpr uint64_t kAllNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;
// The kernel reads `int` arguments on 32 bits: what is above them may be anything.
constexpr uint64_t kLow32 = 0xffffffff;
constexpr uint64_t kScheduler = kLow32 & ~uint64_t{0x40000000 /* SCHED_RESET_ON_FORK */};

constexpr Rule Allow(const char* name) { return {name, Action::kAllow}; }
constexpr Rule Deny(const char* name) { return {name, Action::kDeny}; }
constexpr Rule Missing(const char* name) { return {name, Action::kMissing}; }
constexpr Rule Kill(const char* name) { return {name, Action::kKill}; }
constexpr Rule AllowIf(const char* name, int argument, uint64_t mask, uint64_t value) {
  return {name, Action::kAllow, {{{argument, mask, value}}}};
}
constexpr Rule DenyIf(const char* name, int argument, uint64_t mask, uint64_t value) {
  return {name, Action::kDeny, {{{argument, mask, value}}}};
}

// Sockets of both internet protocols. Type and protocol are looked at, too: for one that is rarely
// used the kernel loads a module.
constexpr Rule AllowInternetSocket(int type, int protocol) {
  constexpr uint64_t kFamily = kLow32 & ~uint64_t{AF_INET ^ AF_INET6};
  constexpr uint64_t kType = kLow32 & ~uint64_t{SOCK_NONBLOCK | SOCK_CLOEXEC};
  static_assert(__builtin_popcount(AF_INET ^ AF_INET6) == 1);
  return {"socket",
          Action::kAllow,
          {{{0, kFamily, AF_INET & AF_INET6},
            {1, kType, static_cast<uint64_t>(type)},
            {2, kLow32, static_cast<uint64_t>(protocol)}}}};
}

constexpr auto kMemory = std::to_array<Rule>(
    {Allow("brk"),        Allow("mmap"),          Allow("munmap"),        Allow("mremap"),
     Allow("mprotect"),   Allow("madvise"),       Allow("msync"),         Allow("mincore"),
     Allow("mlock"),      Allow("mlock2"),        Allow("mlockall"),      Allow("munlock"),
     Allow("munlockall"), Allow("membarrier"),    Allow("memfd_create"),  Allow("pkey_alloc"),
     Allow("pkey_free"),  Allow("pkey_mprotect"), Allow("get_mempolicy"), Allow("set_mempolicy"),
     Allow("mbind")});

constexpr auto kFiles = std::to_array<Rule>(
    {Allow("read"), Allow("write"), Allow("readv"), Allow("writev"), Allow("pread64"),
     Allow("pwrite64"), Allow("preadv"), Allow("pwritev"), Allow("preadv2"), Allow("pwritev2"),
     Allow("open"), Allow("openat"), Allow("openat2"), Allow("creat"), Allow("close"),
     Allow("close_range"), Allow("lseek"), Allow("dup"), Allow("dup2"), Allow("dup3"),
     Allow("flock"), Allow("fsync"), Allow("fdatasync"), Allow("sync_file_range"), Allow("syncfs"),
     Allow("truncate"), Allow("ftruncate"), Allow("fallocate"), Allow("fadvise64"),
     Allow("readahead"), Allow("copy_file_range"), Allow("sendfile"), Allow("splice"), Allow("tee"),
     Allow("stat"), Allow("fstat"), Allow("lstat"), Allow("newfstatat"), Allow("statx"),
     Allow("statfs"), Allow("fstatfs"), Allow("access"), Allow("faccessat"), Allow("faccessat2"),
     Allow("getdents"), Allow("getdents64"), Allow("getcwd"), Allow("chdir"), Allow("fchdir"),
     Allow("rename"), Allow("renameat"), Allow("renameat2"), Allow("mkdir"), Allow("mkdirat"),
     Allow("rmdir"), Allow("link"), Allow("linkat"), Allow("unlink"), Allow("unlinkat"),
     Allow("symlink"), Allow("symlinkat"), Allow("readlink"), Allow("readlinkat"), Allow("chmod"),
     Allow("fchmod"), Allow("fchmodat"), Allow("fchmodat2"), Allow("chown"), Allow("fchown"),
     Allow("lchown"), Allow("fchownat"), Allow("umask"), Allow("utime"), Allow("utimes"),
     Allow("utimensat"), Allow("futimesat"), Allow("getxattr"), Allow("lgetxattr"),
     Allow("fgetxattr"), Allow("listxattr"), Allow("llistxattr"), Allow("flistxattr"),
     Allow("setxattr"), Allow("lsetxattr"), Allow("fsetxattr"), Allow("removexattr"),
     Allow("lremovexattr"), Allow("fremovexattr"), Allow("sync"), Allow("inotify_init"),
     Allow("inotify_init1"), Allow("inotify_add_watch"), Allow("inotify_rm_watch"),
     Allow("cachestat"),
     // Files, FIFOs and sockets; device nodes need a capability nobody here has, and get EPERM.
     AllowIf("mknod", 1, S_IFMT, 0), AllowIf("mknodat", 2, S_IFMT, 0),
     AllowIf("mknod", 1, S_IFMT, S_IFIFO), AllowIf("mknodat", 2, S_IFMT, S_IFIFO),
     AllowIf("mknod", 1, S_IFMT, S_IFREG), AllowIf("mknodat", 2, S_IFMT, S_IFREG),
     AllowIf("mknod", 1, S_IFMT, S_IFSOCK), AllowIf("mknodat", 2, S_IFMT, S_IFSOCK)});

// Not leases: who has one on a file keeps everybody else waiting who opens it.
constexpr auto kFcntl = std::to_array<Rule>(
    {AllowIf("fcntl", 1, kLow32 & ~1023u, 0), DenyIf("fcntl", 1, kLow32, F_SETLEASE),
     AllowIf("fcntl", 1, kLow32, F_GETLEASE), AllowIf("fcntl", 1, kLow32 & ~1u, 1026),
     AllowIf("fcntl", 1, kLow32 & ~3u, 1028), AllowIf("fcntl", 1, kLow32 & ~7u, 1032),
     AllowIf("fcntl", 1, kLow32 & ~15u, 1040)});

constexpr auto kWaiting = std::to_array<Rule>({Allow("poll"),
                                               Allow("ppoll"),
                                               Allow("select"),
                                               Allow("pselect6"),
                                               Allow("epoll_create"),
                                               Allow("epoll_create1"),
                                               Allow("epoll_ctl"),
                                               Allow("epoll_wait"),
                                               Allow("epoll_pwait"),
                                               Allow("epoll_pwait2"),
                                               Allow("eventfd"),
                                               Allow("eventfd2"),
                                               Allow("pipe"),
                                               Allow("pipe2"),
                                               Allow("signalfd"),
                                               Allow("signalfd4"),
                                               Allow("timerfd_create"),
                                               Allow("timerfd_settime"),
                                               Allow("timerfd_gettime"),
                                               Allow("io_setup"),
                                               Allow("io_destroy"),
                                               Allow("io_submit"),
                                               Allow("io_cancel"),
                                               Allow("io_getevents"),
                                               Allow("io_pgetevents")});

constexpr auto kSockets = std::to_array<Rule>({AllowIf("socket", 0, kLow32, AF_UNIX),
                                               AllowInternetSocket(SOCK_STREAM, 0),
                                               AllowInternetSocket(SOCK_STREAM, IPPROTO_TCP),
                                               AllowInternetSocket(SOCK_DGRAM, 0),
                                               AllowInternetSocket(SOCK_DGRAM, IPPROTO_UDP),
                                               AllowIf("socketpair", 0, kLow32, AF_UNIX),
                                               Allow("bind"),
                                               Allow("listen"),
                                               Allow("accept"),
                                               Allow("accept4"),
                                               Allow("connect"),
                                               Allow("getsockname"),
                                               Allow("getpeername"),
                                               Allow("sendto"),
                                               Allow("recvfrom"),
                                               Allow("sendmsg"),
                                               Allow("recvmsg"),
                                               Allow("sendmmsg"),
                                               Allow("recvmmsg"),
                                               Allow("shutdown"),
                                               Allow("setsockopt"),
                                               Allow("getsockopt")});

constexpr auto kProcesses =
    std::to_array<Rule>({Allow("fork"),
                         Allow("vfork"),
                         AllowIf("clone", 0, kAllNamespaces, 0),
                         DenyIf("clone", 0, CLONE_NEWNS, CLONE_NEWNS),
                         DenyIf("clone", 0, CLONE_NEWCGROUP, CLONE_NEWCGROUP),
                         DenyIf("clone", 0, CLONE_NEWUTS, CLONE_NEWUTS),
                         DenyIf("clone", 0, CLONE_NEWIPC, CLONE_NEWIPC),
                         DenyIf("clone", 0, CLONE_NEWUSER, CLONE_NEWUSER),
                         DenyIf("clone", 0, CLONE_NEWPID, CLONE_NEWPID),
                         DenyIf("clone", 0, CLONE_NEWNET, CLONE_NEWNET),
                         DenyIf("clone", 0, CLONE_NEWTIME, CLONE_NEWTIME),
                         Missing("clone3"),
                         Allow("execve"),
                         Allow("execveat"),
                         Allow("exit"),
                         Allow("exit_group"),
                         Allow("wait4"),
                         Allow("waitid"),
                         Allow("kill"),
                         Allow("tkill"),
                         Allow("tgkill"),
                         Allow("pidfd_open"),
                         Allow("pidfd_send_signal"),
                         Allow("getpid"),
                         Allow("getppid"),
                         Allow("gettid"),
                         Allow("getpgid"),
                         Allow("setpgid"),
                         Allow("getpgrp"),
                         Allow("getsid"),
                         Allow("setsid"),
                         Allow("getuid"),
                         Allow("geteuid"),
                         Allow("getgid"),
                         Allow("getegid"),
                         Allow("getresuid"),
                         Allow("getresgid"),
                         Allow("getgroups"),
                         Allow("setuid"),
                         Allow("setgid"),
                         Allow("setreuid"),
                         Allow("setregid"),
                         Allow("setresuid"),
                         Allow("setresgid"),
                         Allow("setgroups"),
                         Allow("setfsuid"),
                         Allow("setfsgid"),
                         Allow("capget"),
                         Allow("capset"),
                         Allow("prctl"),
                         Allow("arch_prctl"),
                         Allow("set_tid_address"),
                         Allow("set_robust_list"),
                         Allow("get_robust_list"),
                         Allow("rseq"),
                         Allow("getrusage"),
                         Allow("times"),
                         Allow("getrlimit"),
                         Allow("getpriority"),
                         Allow("setpriority"),
                         Allow("ioprio_get"),
                         Allow("ioprio_set"),
                         Allow("uname"),
                         Allow("sysinfo"),
                         Allow("getcpu"),
                         Allow("alarm"),
                         Allow("pause"),
                         Allow("restart_syscall"),
                         Allow("seccomp"),
                         Allow("landlock_create_ruleset"),
                         Allow("landlock_add_rule"),
                         Allow("landlock_restrict_self"),
                         Allow("getrandom")});

// Not that of core dumps, which may be read but not set (launch.cc).
constexpr auto kResourceLimits = std::to_array<Rule>(
    {AllowIf("setrlimit", 0, kLow32 & ~3u, 0),
     AllowIf("setrlimit", 0, kLow32, RLIMIT_RSS),
     AllowIf("setrlimit", 0, kLow32 & ~1u, 6),
     AllowIf("setrlimit", 0, kLow32 & ~7u, 8),
     AllowIf("prlimit64", 1, kLow32 & ~3u, 0),
     AllowIf("prlimit64", 1, kLow32, RLIMIT_RSS),
     AllowIf("prlimit64", 1, kLow32 & ~1u, 6),
     AllowIf("prlimit64", 1, kLow32 & ~7u, 8),
     {"prlimit64", Action::kAllow, {{{1, kLow32, RLIMIT_CORE}, {2, ~uint64_t{0}, 0}}}}});

constexpr auto kSignals = std::to_array<Rule>(
    {Allow("rt_sigaction"), Allow("rt_sigprocmask"), Allow("rt_sigreturn"), Allow("rt_sigpending"),
     Allow("rt_sigsuspend"), Allow("rt_sigtimedwait"), Allow("rt_sigqueueinfo"),
     Allow("rt_tgsigqueueinfo"), Allow("sigaltstack")});

constexpr auto kThreads = std::to_array<Rule>(
    {Allow("futex"), Allow("futex_waitv"), Allow("sched_yield"), Allow("sched_getaffinity"),
     Allow("sched_setaffinity"), Allow("sched_getscheduler"), Allow("sched_getparam"),
     Allow("sched_getattr"), Allow("sched_get_priority_max"), Allow("sched_get_priority_min"),
     Allow("sched_rr_get_interval"), AllowIf("sched_setscheduler", 1, kScheduler, SCHED_NORMAL),
     AllowIf("sched_setscheduler", 1, kScheduler, SCHED_BATCH),
     AllowIf("sched_setscheduler", 1, kScheduler, SCHED_IDLE),
     DenyIf("sched_setscheduler", 1, kScheduler, SCHED_FIFO),
     DenyIf("sched_setscheduler", 1, kScheduler, SCHED_RR),
     DenyIf("sched_setscheduler", 1, kScheduler, 6 /* SCHED_DEADLINE */), Allow("sched_setparam"),
     Deny("sched_setattr")});

constexpr auto kTime = std::to_array<Rule>(
    {Allow("clock_gettime"), Allow("clock_getres"), Allow("clock_nanosleep"), Allow("nanosleep"),
     Allow("gettimeofday"), Allow("time"), Allow("getitimer"), Allow("setitimer"),
     Allow("timer_create"), Allow("timer_settime"), Allow("timer_gettime"),
     Allow("timer_getoverrun"), Allow("timer_delete")});

constexpr auto kSystemVIpc =
    std::to_array<Rule>({Allow("shmget"), Allow("shmat"), Allow("shmdt"), Allow("shmctl"),
                         Allow("semget"), Allow("semop"), Allow("semtimedop"), Allow("semctl"),
                         Allow("msgget"), Allow("msgsnd"), Allow("msgrcv"), Allow("msgctl")});

// Reading only: PER_LINUX (0) and "what is it" (0xffffffff).
constexpr auto kPersonality = std::to_array<Rule>(
    {AllowIf("personality", 0, kLow32, 0), AllowIf("personality", 0, kLow32, 0xffffffff)});

constexpr auto kIoctl = std::to_array<Rule>(
    {// What types into a terminal that somebody else reads.
     DenyIf("ioctl", 1, kLow32, TIOCSTI), DenyIf("ioctl", 1, kLow32, TIOCLINUX),
     AllowIf("ioctl", 1, kLow32, FIONREAD), AllowIf("ioctl", 1, kLow32, FIONBIO),
     AllowIf("ioctl", 1, kLow32, FIOCLEX), AllowIf("ioctl", 1, kLow32, FIONCLEX),
     AllowIf("ioctl", 1, kLow32, FIOASYNC), AllowIf("ioctl", 1, kLow32, TCGETS),
     AllowIf("ioctl", 1, kLow32, TIOCGWINSZ), AllowIf("ioctl", 1, kLow32, TIOCGPGRP),
     AllowIf("ioctl", 1, kLow32, 0x8912 /* SIOCGIFCONF */),
     AllowIf("ioctl", 1, kLow32, 0x8913 /* SIOCGIFFLAGS */),
     AllowIf("ioctl", 1, kLow32, 0x8915 /* SIOCGIFADDR */),
     AllowIf("ioctl", 1, kLow32, 0x8933 /* SIOCGIFINDEX */)});

// Denied, and known to be: an error that says so rather than "no such call".
constexpr auto kOtherProcesses =
    std::to_array<Rule>({Deny("ptrace"), Deny("process_vm_readv"), Deny("process_vm_writev"),
                         Deny("process_madvise"), Deny("process_mrelease"), Deny("kcmp"),
                         Deny("pidfd_getfd"), Deny("move_pages"), Deny("migrate_pages")});

constexpr auto kNamespaces = std::to_array<Rule>({Deny("unshare"), Deny("setns")});

constexpr auto kMounts = std::to_array<Rule>(
    {Deny("mount"), Deny("umount2"), Deny("pivot_root"), Deny("chroot"), Deny("open_tree"),
     Deny("move_mount"), Deny("fsopen"), Deny("fsconfig"), Deny("fsmount"), Deny("fspick"),
     Deny("mount_setattr"), Missing("open_tree_attr"), Missing("statmount"), Missing("listmount"),
     Missing("listns")});

constexpr auto kHandles =
    std::to_array<Rule>({Deny("name_to_handle_at"), Deny("open_by_handle_at")});

constexpr auto kKernelMachinery = std::to_array<Rule>(
    {Deny("bpf"), Deny("perf_event_open"), Deny("userfaultfd"), Deny("io_uring_setup"),
     Deny("io_uring_enter"), Deny("io_uring_register"), Deny("vmsplice"), Deny("modify_ldt"),
     Deny("memfd_secret"), Deny("remap_file_pages"), Missing("map_shadow_stack"),
     Missing("set_mempolicy_home_node"), Missing("uretprobe"), Missing("uprobe")});

constexpr auto kSharedByUser = std::to_array<Rule>(
    {Deny("keyctl"), Deny("add_key"), Deny("request_key"), Deny("mq_open"), Deny("mq_unlink"),
     Deny("mq_timedsend"), Deny("mq_timedreceive"), Deny("mq_notify"), Deny("mq_getsetattr")});

constexpr auto kMachine = std::to_array<Rule>(
    {Deny("sethostname"), Deny("setdomainname"), Deny("settimeofday"), Deny("clock_settime"),
     Deny("clock_adjtime"), Deny("adjtimex"), Deny("acct"), Deny("quotactl"), Deny("quotactl_fd"),
     Deny("syslog"), Deny("vhangup"), Deny("fanotify_init"), Deny("fanotify_mark"),
     Deny("lookup_dcookie"), Missing("lsm_get_self_attr"), Missing("lsm_set_self_attr"),
     Missing("lsm_list_modules")});

constexpr auto kObsolete = std::to_array<Rule>(
    {Deny("nfsservctl"), Deny("uselib"), Deny("ustat"), Deny("sysfs"), Missing("_sysctl"),
     Missing("get_kernel_syms"), Missing("query_module"), Missing("afs_syscall"),
     Missing("getpmsg"), Missing("putpmsg"), Missing("security"), Missing("tuxcall"),
     Missing("vserver"), Missing("epoll_ctl_old"), Missing("epoll_wait_old")});

constexpr auto kKilled = std::to_array<Rule>(
    {Kill("kexec_load"), Kill("kexec_file_load"), Kill("init_module"), Kill("finit_module"),
     Kill("delete_module"), Kill("create_module"), Kill("reboot"), Kill("swapon"), Kill("swapoff"),
     Kill("iopl"), Kill("ioperm")});

constexpr std::array kGroups = {
    Group{"memory of the process itself", kMemory},
    Group{"files it can reach in its own mount namespace", kFiles},
    Group{"what fcntl does, but for leases", kFcntl},
    Group{"pipes, polling, events", kWaiting},
    Group{"UNIX, TCP and UDP sockets only: others are kernel code that is rarely looked at",
          kSockets},
    Group{"processes and identities; clone without namespaces (clone3 hides its flags in memory: "
          "ENOSYS makes libc use clone)",
          kProcesses},
    Group{"resource limits, but for that of core dumps: at 1 no handler of the host is started for "
          "them, at 0 it would be",
          kResourceLimits},
    Group{"signals", kSignals},
    Group{"threads; no real-time scheduling", kThreads},
    Group{"clocks to be read, and timers", kTime},
    Group{"System V IPC, in an own namespace", kSystemVIpc},
    Group{"personality may be asked, not changed", kPersonality},
    Group{"the few ioctls that C libraries and language runtimes use; compared on 32 bits", kIoctl},
    Group{"other processes' memory, descriptors and addresses", kOtherProcesses},
    Group{"namespaces, with whatever flags: a new one brings capabilities back", kNamespaces},
    Group{"the mount table; calls that the compiler of the filter may not know are missing, not "
          "denied",
          kMounts},
    Group{"files by handle, past every directory", kHandles},
    Group{"kernel code with many flaws so far and no use here", kKernelMachinery},
    Group{"what the kernel keeps and counts by user, not by namespace", kSharedByUser},
    Group{"the machine's names, clocks, logs, quotas and watches", kMachine},
    Group{"nobody has needed these for decades", kObsolete},
    Group{"never by an honest program", kKilled},
};

}  // namespace

std::span<const Group> Policy() { return kGroups; }

std::span<const char* const> HiddenMemory() {
  static constexpr std::array kCalls = {"memfd_create", "shmget", "semget", "msgget"};
  return kCalls;
}

}  // namespace nanogrid::seccomp
