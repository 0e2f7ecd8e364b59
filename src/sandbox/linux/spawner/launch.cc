#include "sandbox/linux/spawner/launch.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/linux/spawner/mount_calls.h"
#include "sandbox/linux/spawner/namespace_pool.h"

#ifndef __x86_64__
#error "The Linux sandbox is written for x86-64: CloneWithStack here and init.cc need porting."
#endif

namespace nanogrid::spawner {
namespace {

constexpr char kHostname[] = "nanogrid";
constexpr unsigned long kMaxStack = 8ul << 20;
constexpr unsigned long kMaxSignals = 1024;  // pending, and timers that will send one

// ---- In the new process. No allocation, no locks, no library state: the spawner's memory is
// ---- shared and the spawner waits (CLONE_VM, CLONE_VFORK).

struct Child {
  const LaunchPlan& plan;
  Failure& failure;

  bool Step(long result, const char* step) const { return Passes(result >= 0, failure, step); }

  bool JoinCgroups() const {
    for (const int tasks : plan.cgroup_tasks) {
      if (!Step(write(tasks, "0", 1), "join cgroup")) return false;
    }
    return Step(unshare(CLONE_NEWCGROUP), "create cgroup namespace");
  }

  bool MountProc() const {
    const int proc = MakeMount(
        "proc", {}, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return Step(proc, "make /proc") && Step(MoveMount(proc, AT_FDCWD, "proc"), "mount /proc");
  }

  bool Mount() const {
    if (!Step(setns(plan.mount_template, CLONE_NEWNS), "enter root template") ||
        !Step(unshare(CLONE_NEWNS), "create mount namespace") ||
        // All paths from here on are relative to the root, where setns has left us.
        !Step(MoveMount(plan.tmp_tree, AT_FDCWD, "tmp"), "mount /tmp") ||
        !Step(MoveMount(plan.code_tree, AT_FDCWD, kCodePath + 1), "bind code") || !MountProc()) {
      return false;
    }
    for (const std::string& path : plan.masks->files) {
      if (!Step(mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr), "mask in /proc")) {
        return false;
      }
    }
    for (const std::string& path : plan.masks->directories) {
      if (!Step(mount("/sys", path.c_str(), nullptr, MS_BIND, nullptr), "mask in /proc")) {
        return false;
      }
    }
    if (plan.rootless &&
        !Step(umount2(kHostProc, MNT_DETACH | UMOUNT_NOFOLLOW), "unmount the host's /proc")) {
      return false;
    }
    return Step(fchdir(plan.code_tree), "enter code directory");
  }

  bool JoinNetwork() const {
    if (plan.network_namespace >= 0 &&
        !Step(setns(plan.network_namespace, CLONE_NEWNET), "join network namespace")) {
      return false;
    }
    return Step(sethostname(kHostname, sizeof(kHostname) - 1), "set host name");
  }

  // Raw calls: libc's versions speak to threads that do not exist here.
  bool BecomeNobody() const {
    if (!Step(setns(plan.user_namespace, CLONE_NEWUSER), "join user namespace")) return false;
    // Rootless: the kernel keeps the caller's supplementary groups (user_namespaces(7)).
    if (!plan.rootless && !Step(syscall(SYS_setgroups, 0, nullptr), "drop groups")) return false;
    return Step(syscall(SYS_setresgid, kInnerId, kInnerId, kInnerId), "set gid") &&
           Step(syscall(SYS_setresuid, kInnerId, kInnerId, kInnerId), "set uid");
  }

  // After the change of identity, which clears it. A spawner that died before is noticed too: its
  // end of the pipe is closed.
  bool DieWithSpawner() const {
    if (!Step(prctl(PR_SET_PDEATHSIG, SIGKILL), "set parent death signal")) return false;
    close(plan.death_pipe_write);
    pollfd pipe = {plan.death_pipe_read, POLLIN, 0};
    if (poll(&pipe, 1, 0) != 0) return Fail(failure, ECHILD, "outlive the spawner");
    return true;
  }

  bool LimitResource(int resource, unsigned long limit) const {
    rlimit current{};
    if (getrlimit(static_cast<__rlimit_resource_t>(resource), &current) != 0) {
      return Step(-1, "get rlimit");
    }
    if (limit > current.rlim_max) limit = current.rlim_max;
    const rlimit wanted = {limit, limit};
    return Step(setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted), "set rlimit");
  }

  // RLIMIT_CORE: 0 leaves no file, but a handler that the host pipes core dumps to (core(5)) is
  // started nevertheless, as root and with what the function prepared. 1 stops both.
  bool LimitResources() const {
    return LimitResource(RLIMIT_NOFILE, plan.max_open_files) && LimitResource(RLIMIT_CORE, 1) &&
           LimitResource(RLIMIT_STACK, kMaxStack) && LimitResource(RLIMIT_MEMLOCK, 64ul << 10) &&
           LimitResource(RLIMIT_MSGQUEUE, 0) && LimitResource(RLIMIT_SIGPENDING, kMaxSignals) &&
           LimitResource(RLIMIT_RTPRIO, 0) && LimitResource(RLIMIT_NICE, 0) &&
           (plan.max_processes == 0 || LimitResource(RLIMIT_NPROC, plan.max_processes));
  }

  bool DropCapabilities() const {
    if (!Step(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                           SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                           SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                           SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED),
              "set securebits")) {
      return false;
    }
    for (int capability = 0; capability < 64; ++capability) {
      if (prctl(PR_CAPBSET_DROP, capability) == 0) continue;
      if (errno == EINVAL) break;  // the last one this kernel knows
      return Step(-1, "drop bounding set");
    }
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[2] = {};
    return Step(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient set") &&
           Step(syscall(SYS_capset, &header, none), "drop capabilities");
  }

  bool ArrangeDescriptors() const {
    const int null = open("/dev/null", O_RDONLY);
    return Step(null, "open /dev/null") && Step(dup2(plan.frames ? null : plan.input, 0), "dup") &&
           Step(dup2(plan.frames ? plan.log : plan.output, 1), "dup") &&
           Step(dup2(plan.log, 2), "dup") && Step(dup2(plan.input, wire::kInitFrameInput), "dup") &&
           Step(dup2(plan.output, wire::kInitFrameOutput), "dup") &&
           Step(dup2(plan.control, wire::kInitControl), "dup") &&
           Step(dup2(plan.launch, wire::kInitLaunch), "dup") &&
           (plan.frames || (Step(close(wire::kInitFrameInput), "close") &&
                            Step(close(wire::kInitFrameOutput), "close")));
  }

  bool LockSystemCalls() const {
    if (!Step(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs")) return false;
    const sock_fprog program = {
        static_cast<unsigned short>(plan.filter.size() / sizeof(sock_filter)),
        reinterpret_cast<sock_filter*>(const_cast<char*>(plan.filter.data()))};
    return Step(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "load seccomp filter");
  }

  bool Exec() const {
    // Everything else is closed by the exec; the standard numbers above were not close-on-exec.
    if (!Step(close_range(wire::kInitLaunch + 1, ~0u, CLOSE_RANGE_CLOEXEC), "close descriptors")) {
      return false;
    }
    sigset_t none;
    sigemptyset(&none);
    if (!Step(sigprocmask(SIG_SETMASK, &none, nullptr), "unblock signals")) return false;
    const char* argv[] = {"init", nullptr};
    const char* envp[] = {nullptr};
    if (!Step(0, "exec init")) return false;
    return Step(syscall(SYS_execveat, plan.init, "", argv, envp, AT_EMPTY_PATH), "exec init");
  }

  // The order matters: each step needs what a later one takes away.
  bool Run() const {
    return Step(syscall(SYS_setsid), "setsid") && JoinCgroups() && Mount() && JoinNetwork() &&
           BecomeNobody() && DieWithSpawner() && ArrangeDescriptors() && LimitResources() &&
           DropCapabilities() && LockSystemCalls() && Exec();
  }
};

int ChildMain(void* argument) {
  (void)static_cast<const Child*>(argument)->Run();
  return 1;
}

alignas(16) char child_stack[64 * 1024];

// clone3(2) for a child that runs `entry` on its own stack in our memory. libc has no such call.
long CloneWithStack(clone_args& args, int (*entry)(void*), void* argument) {
  long result;
  register int (*entry_register)(void*) __asm__("r12") = entry;
  register void* argument_register __asm__("r13") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "mov %%eax, %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(&args), "S"(sizeof(args)), "r"(entry_register),
        "r"(argument_register), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory");
  return result;
}

}  // namespace

bool Launch(const LaunchPlan& plan, Launched& launched, Failure& failure) {
  Child child{plan, failure};
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  if (plan.cgroup_directory >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<unsigned long>(plan.cgroup_directory);
  }
  args.pidfd = reinterpret_cast<unsigned long>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<unsigned long>(child_stack);
  args.stack_size = sizeof(child_stack);
  const long pid = CloneWithStack(args, ChildMain, &child);
  // The child's change of identity marked the memory it shared with us.
  prctl(PR_SET_DUMPABLE, 1);
  if (pid < 0) return Fail(failure, static_cast<int>(-pid), "clone into new namespaces");
  if (failure.error != 0) {
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
    close(pidfd);
    return false;
  }
  launched = {static_cast<pid_t>(pid), pidfd};
  return true;
}

}  // namespace nanogrid::spawner
