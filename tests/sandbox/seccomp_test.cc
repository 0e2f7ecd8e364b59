// What the seccomp filter does to each kind of system call. The numbers and answers are stated here
// on their own, not taken from the policy.
#include <errno.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <fstream>

#include "sandbox/sandbox_test_support.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

namespace nanogrid {
namespace {

using testing::AnyOf;

struct Call {
  const char* name;
  long number;
  std::string arguments = "";  // ",0,buffer": as programs/probe.cc reads them
};

class Seccomp : public SandboxTest {
 protected:
  // What each call answers, in order: "ok" or an errno.
  std::vector<std::string> Answers(const std::vector<Call>& calls) {
    std::vector<std::string> arguments = {"calls"};
    for (const Call& call : calls) {
      arguments.push_back(std::to_string(call.number) +
                          (call.arguments.empty() ? "," : call.arguments));
    }
    std::vector<std::string> answers = Lines(Output(Probe(arguments)));
    EXPECT_EQ(answers.size(), calls.size());
    answers.resize(calls.size());
    return answers;
  }
  void ExpectAll(const std::vector<Call>& calls, const testing::Matcher<std::string>& expected) {
    const std::vector<std::string> answers = Answers(calls);
    for (size_t i = 0; i < calls.size(); ++i) {
      EXPECT_THAT(answers[i], expected) << calls[i].name << calls[i].arguments;
    }
  }
};
INSTANTIATE_SANDBOX_TESTS(Seccomp);

const std::string kDenied = std::to_string(EPERM);
const std::string kMissing = std::to_string(ENOSYS);

std::string Number(uint64_t value) { return "," + std::to_string(value); }

TEST_P(Seccomp, WhatHonestProgramsNeedWorks) {
  ExpectAll({{"memfd_create", SYS_memfd_create, ",name,0"},
             {"mlock", SYS_mlock, ",buffer,4096"},
             {"madvise", SYS_madvise, ",buffer,4096,0"},
             {"openat", SYS_openat, ",-100,name,0x42,0x180"},  // read only: see below
             {"epoll_create1", SYS_epoll_create1, ",0"},
             {"eventfd2", SYS_eventfd2, ",0,0"},
             {"timerfd_create", SYS_timerfd_create, ",1,0"},
             {"inotify_init1", SYS_inotify_init1, ",0"},
             {"socket unix", SYS_socket, Number(AF_UNIX) + Number(SOCK_STREAM)},
             {"socket inet", SYS_socket, Number(AF_INET) + Number(SOCK_DGRAM)},
             {"socket inet6", SYS_socket, Number(AF_INET6) + Number(SOCK_STREAM)},
             {"sched_setscheduler batch", SYS_sched_setscheduler, ",0,3,buffer"},
             {"shmget", SYS_shmget, ",0,4096,0600"},
             {"semget", SYS_semget, ",0,1,0600"},
             {"msgget", SYS_msgget, ",0,0600"},
             {"personality ask", SYS_personality, ",0xffffffff"},
             {"ioctl FIONREAD", SYS_ioctl, ",0" + Number(FIONREAD) + ",buffer"},
             {"getrandom", SYS_getrandom, ",buffer,16,0"},
             {"clock_gettime", SYS_clock_gettime, ",0,buffer"},
             {"prlimit64", SYS_prlimit64, ",0,7,0,buffer"},
             {"setsid as a leader's child", SYS_getsid, ",0"}},
            AnyOf("ok", std::to_string(EROFS)));
}

TEST_P(Seccomp, MountsAndNamespacesAreRefused) {
  ExpectAll({{"mount", SYS_mount, ",name,name,name,0,0"},
             {"umount2", SYS_umount2, ",name,0"},
             {"pivot_root", SYS_pivot_root, ",name,name"},
             {"chroot", SYS_chroot, ",name"},
             {"unshare", SYS_unshare, Number(CLONE_NEWUSER)},
             {"unshare nothing", SYS_unshare, ",0"},
             {"setns", SYS_setns, ",0,0"},
             {"open_tree", 428, ",-100,name,0"},
             {"move_mount", 429, ",0,name,0,name,0"},
             {"fsopen", 430, ",name,0"},
             {"fsconfig", 431},
             {"fsmount", 432},
             {"fspick", 433},
             {"mount_setattr", 442, ",-100,name,0,buffer,32"}},
            kDenied);
}

TEST_P(Seccomp, CloneMakesNoNamespace) {
  std::vector<Call> calls;
  for (const uint64_t flag : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                              CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    calls.push_back({"clone", SYS_clone, Number(flag)});
    calls.push_back({"clone with high bits", SYS_clone, Number(flag | 1ull << 40)});
    calls.push_back({"clone with all else", SYS_clone, Number(flag | CLONE_PARENT | 17)});
  }
  ExpectAll(calls, AnyOf(kDenied, kMissing));
}

TEST_P(Seccomp, Clone3DoesNotExist) { ExpectAll({{"clone3", SYS_clone3, ",buffer,88"}}, kMissing); }

TEST_P(Seccomp, OtherProcessesAreOutOfReach) {
  ExpectAll({{"ptrace traceme", SYS_ptrace, ",0"},
             {"ptrace attach", SYS_ptrace, ",16,1"},
             {"process_vm_readv", SYS_process_vm_readv, ",1,buffer,1,buffer,1,0"},
             {"process_vm_writev", SYS_process_vm_writev, ",1,buffer,1,buffer,1,0"},
             {"process_madvise", 440},
             {"pidfd_getfd", 438},
             {"kcmp", SYS_kcmp, ",1,1,0,0,0"}},
            kDenied);
}

TEST_P(Seccomp, KernelMachineryIsRefused) {
  ExpectAll({{"bpf", SYS_bpf, ",0,buffer,64"},
             {"perf_event_open", SYS_perf_event_open, ",buffer,0,-1,-1,0"},
             {"userfaultfd", SYS_userfaultfd, ",1"},
             {"keyctl", SYS_keyctl, ",0,-3,0"},
             {"add_key", SYS_add_key, ",name,name,buffer,1,-3"},
             {"request_key", SYS_request_key, ",name,name,0,0"},
             {"io_uring_setup", 425, ",8,buffer"},
             {"io_uring_enter", 426},
             {"io_uring_register", 427},
             {"memfd_secret", 447},
             {"vmsplice", SYS_vmsplice},
             {"modify_ldt", SYS_modify_ldt, ",0,buffer,16"},
             {"name_to_handle_at", SYS_name_to_handle_at, ",-100,name,buffer,buffer,0"},
             {"open_by_handle_at", SYS_open_by_handle_at, ",0,buffer,0"},
             {"fanotify_init", SYS_fanotify_init},
             {"quotactl", SYS_quotactl, ",0x800002,name,0,buffer"},
             {"syslog", SYS_syslog, ",10"},
             {"acct", SYS_acct, ",0"},
             {"mq_open", SYS_mq_open, ",name,0x42,0600,0"},
             {"move_pages", SYS_move_pages},
             {"migrate_pages", SYS_migrate_pages},
             {"sched_setattr", SYS_sched_setattr, ",0,buffer,0"}},
            kDenied);
}

TEST_P(Seccomp, TheMachinesNameAndTimeAreNotForSetting) {
  ExpectAll({{"sethostname", SYS_sethostname, ",name,1"},
             {"setdomainname", SYS_setdomainname, ",name,1"},
             {"settimeofday", SYS_settimeofday, ",buffer,0"},
             {"clock_settime", SYS_clock_settime, ",0,buffer"},
             {"clock_adjtime", SYS_clock_adjtime, ",0,buffer"},
             {"adjtimex", SYS_adjtimex, ",buffer"}},
            kDenied);
}

TEST_P(Seccomp, OnlyUnixAndIpSocketsExist) {
  std::vector<Call> calls;
  for (int family = 0; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) continue;
    calls.push_back({"socket", SYS_socket, Number(static_cast<uint64_t>(family)) + ",3,0"});
  }
  calls.push_back({"socket with high bits", SYS_socket, Number(1ull << 32 | AF_NETLINK) + ",3,0"});
  calls.push_back({"socketpair", SYS_socketpair, Number(AF_TIPC) + ",1,0,buffer"});
  ExpectAll(calls, AnyOf(kDenied, kMissing, std::to_string(EAFNOSUPPORT)));
}

TEST_P(Seccomp, RawAndPacketSocketsAreRefused) {
  ExpectAll({{"raw inet", SYS_socket, Number(AF_INET) + Number(SOCK_RAW) + ",1"},
             {"raw inet6", SYS_socket, Number(AF_INET6) + Number(SOCK_RAW) + ",58"},
             {"packet", SYS_socket, Number(AF_PACKET) + Number(SOCK_RAW) + ",0"}},
            AnyOf(kDenied, kMissing));
}

TEST_P(Seccomp, PersonalityCannotBeChanged) {
  ExpectAll({{"no randomisation", SYS_personality, ",0x0040000"},
             {"read implies exec", SYS_personality, ",0x0400000"},
             {"map page zero", SYS_personality, ",0x0100000"},
             {"32 bit", SYS_personality, ",8"}},
            AnyOf(kDenied, kMissing));
}

TEST_P(Seccomp, TerminalInputCannotBeForgedAndUnknownIoctlsAreRefused) {
  ExpectAll({{"TIOCSTI", SYS_ioctl, ",0" + Number(TIOCSTI) + ",buffer"},
             {"TIOCSTI with high bits", SYS_ioctl, ",0" + Number(TIOCSTI | 1ull << 32) + ",buffer"},
             {"TIOCLINUX", SYS_ioctl, ",0" + Number(TIOCLINUX) + ",buffer"},
             {"TIOCSCTTY", SYS_ioctl, ",0" + Number(TIOCSCTTY) + ",1"},
             {"FICLONE", SYS_ioctl, ",0,0x40049409,1"},
             {"KVM", SYS_ioctl, ",0,0xae01,0"}},
            AnyOf(kDenied, kMissing));
}

TEST_P(Seccomp, RealTimeSchedulingIsRefused) {
  ExpectAll({{"FIFO", SYS_sched_setscheduler, ",0,1,buffer"},
             {"RR", SYS_sched_setscheduler, ",0,2,buffer"},
             {"DEADLINE", SYS_sched_setscheduler, ",0,6,buffer"}},
            AnyOf(kDenied, kMissing));
}

TEST_P(Seccomp, DeviceNodesAreRefused) {
  ExpectAll({{"mknod char", SYS_mknod, ",name" + Number(S_IFCHR | 0666) + ",0x103"},
             {"mknod block", SYS_mknod, ",name" + Number(S_IFBLK | 0666) + ",0x103"},
             {"mknodat char", SYS_mknodat, ",-100,name" + Number(S_IFCHR | 0666) + ",0x103"}},
            AnyOf(kDenied, kMissing));
}

TEST_P(Seccomp, CallsThatNoRuleNamesDoNotExist) {
  ExpectAll({{"number far away", 9999},
             {"statmount", 457, ",buffer,buffer,4096,0"},
             {"lsm_list_modules", 461},
             {"_sysctl", SYS__sysctl, ",buffer"}},
            kMissing);
}

TEST_P(Seccomp, FurtherFiltersMayBeAddedByTheProgramItself) {
  ExpectAll(
      {{"seccomp get_action_avail", SYS_seccomp, Number(SECCOMP_GET_ACTION_AVAIL) + ",0,buffer"}},
      "ok");
}

TEST_P(Seccomp, NoHonestProgramDoesThisAndItIsKilledForIt) {
  const Call calls[] = {{"kexec_load", SYS_kexec_load},
                        {"kexec_file_load", SYS_kexec_file_load},
                        {"init_module", SYS_init_module, ",buffer,1,name"},
                        {"finit_module", SYS_finit_module, ",0,name,0"},
                        {"delete_module", SYS_delete_module, ",name,0"},
                        {"reboot", SYS_reboot},
                        {"swapon", SYS_swapon, ",name,0"},
                        {"swapoff", SYS_swapoff, ",name"},
                        {"iopl", SYS_iopl, ",3"},
                        {"ioperm", SYS_ioperm, ",0,1,1"}};
  for (const Call& call : calls) {
    const Outcome outcome =
        Run(Probe({"calls", std::to_string(call.number) + call.arguments + ","}));
    EXPECT_THAT(outcome, EndedBy(Ending::kViolation)) << call.name;
    EXPECT_EQ(outcome.result, "") << call.name;
  }
}

TEST_P(Seccomp, CallsOfForeignAbisKillTheProgram) {
  EXPECT_THAT(Run(Probe({"int80"})), EndedBy(Ending::kViolation));
  EXPECT_THAT(Run(Probe({"x32"})), EndedBy(Ending::kViolation));
}

}  // namespace
}  // namespace nanogrid
