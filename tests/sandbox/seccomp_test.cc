// What the seccomp filter leaves to honest programs. What it refuses is tried by the programs of
// tests/testcases/syscalls, and rule by rule in policy_test.cc.
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox/sandbox_test_support.h"

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

const std::string kMissing = std::to_string(ENOSYS);

std::string Number(uint64_t value) { return "," + std::to_string(value); }

TEST_P(Seccomp, WhatHonestProgramsNeedWorks) {
  ExpectAll({{"mlock", SYS_mlock, ",buffer,4096"},
             {"madvise", SYS_madvise, ",buffer,4096,0"},
             {"openat", SYS_openat, ",-100,name,0x42,0x180"},  // read only: see below
             {"epoll_create1", SYS_epoll_create1, ",0"},
             {"eventfd2", SYS_eventfd2, ",0,0"},
             {"timerfd_create", SYS_timerfd_create, ",1,0"},
             {"inotify_init1", SYS_inotify_init1, ",0"},
             {"socket unix", SYS_socket, Number(AF_UNIX) + Number(SOCK_STREAM)},
             {"socket inet", SYS_socket, Number(AF_INET) + Number(SOCK_DGRAM)},
             {"socket inet6", SYS_socket, Number(AF_INET6) + Number(SOCK_STREAM)},
             {"fcntl F_GETFL", SYS_fcntl, ",0,3"},
             {"fcntl F_DUPFD_CLOEXEC", SYS_fcntl, ",0,1030,0"},
             {"fcntl F_GETPIPE_SZ", SYS_fcntl, ",0,1032"},
             {"sched_setscheduler batch", SYS_sched_setscheduler, ",0,3,buffer"},
             {"personality ask", SYS_personality, ",0xffffffff"},
             {"ioctl FIONREAD", SYS_ioctl, ",0" + Number(FIONREAD) + ",buffer"},
             {"getrandom", SYS_getrandom, ",buffer,16,0"},
             {"clock_gettime", SYS_clock_gettime, ",0,buffer"},
             {"prlimit64", SYS_prlimit64, ",0,7,0,buffer"},
             {"setsid as a leader's child", SYS_getsid, ",0"}},
            AnyOf("ok", std::to_string(EROFS)));
}

TEST_P(Seccomp, MemoryThatNoProcessHasMappedIsToBeHadOnlyWhereItIsCounted) {
  ExpectAll({{"memfd_create", SYS_memfd_create, ",name,0"},
             {"shmget", SYS_shmget, ",0,4096,0600"},
             {"semget", SYS_semget, ",0,1,0600"},
             {"msgget", SYS_msgget, ",0,0600"}},
            HasCgroups() ? "ok" : kMissing);
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

}  // namespace
}  // namespace nanogrid
