// Who code in a sandbox is, what it may do, and whom it sees.
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "core/unique_fd.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class Isolation : public SandboxTest {
 protected:
  // The one process of an instance that carries the marker, seen from the host.
  pid_t HostPid(const FunctionPackage& package) {
    std::vector<pid_t> pids;
    const std::string& own = package.command.back();
    EXPECT_TRUE(WaitUntil([&] { return (pids = ProcessesWith(own)).size() == 1; })) << pids.size();
    return pids.empty() ? -1 : pids[0];
  }
  FunctionPackage Waiting(const std::string& suffix) {
    FunctionPackage package = Shell("read line");
    package.command.back() += suffix;
    return package;
  }
};
INSTANTIATE_SANDBOX_TESTS(Isolation);

TEST_P(Isolation, OutsideItIsAnUnprivilegedUserAndAnotherOneForEachInstance) {
  const FunctionPackage a = Waiting("a"), b = Waiting("b");
  const auto first = Start(a), second = Start(b);
  ASSERT_TRUE(first && second);
  const std::string uid_a = StatusField(HostPid(a), "Uid");
  const std::string uid_b = StatusField(HostPid(b), "Uid");
  const std::string init_uid = StatusField(ParentOf(HostPid(a)), "Uid");
  ASSERT_FALSE(uid_a.empty());
  EXPECT_EQ(init_uid, uid_a) << "its init";
  if (GetParam() == Setup::kRootless) {
    EXPECT_EQ(uid_a.substr(0, uid_a.find('\t')), std::to_string(geteuid()));
    return;
  }
  EXPECT_NE(uid_a, uid_b);
  EXPECT_THAT(Words(uid_a), Each(Not("0")));
  EXPECT_THAT(Words(StatusField(HostPid(b), "Uid")), Each(Not("0")));
  EXPECT_THAT(Words(StatusField(HostPid(a), "Gid")), Each(Not("0")));
}

TEST_P(Isolation, OutsideNeitherItNorItsInitHasACapability) {
  const FunctionPackage package = Waiting("");
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  const pid_t pid = HostPid(package);
  for (const pid_t each : {pid, ParentOf(pid)}) {
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_EQ(StatusField(each, set), "0000000000000000") << set;
    }
    EXPECT_EQ(StatusField(each, "NoNewPrivs"), "1");
    EXPECT_EQ(StatusField(each, "Seccomp"), "2");
  }
}

TEST_P(Isolation, InsideItIsUser1000WithoutOtherGroups) {
  EXPECT_EQ(Output(Shell("id -u; id -g; id -un")), "1000\n1000\nsandbox\n");
  if (GetParam() == Setup::kRootless) return;  // the kernel keeps the caller's groups
  EXPECT_EQ(Output(Shell("id -G")), "1000\n");
}

TEST_P(Isolation, InsideNothingCanBeGained) {
  const std::string status = Output(Shell("cat /proc/self/status"));
  for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(status, HasSubstr(std::string(set) + ":\t0000000000000000\n"));
  }
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2\n"));
  EXPECT_THAT(status, HasSubstr("TracerPid:\t0\n"));
}

TEST_P(Isolation, NoOtherIdentityCanBeTaken) {
  EXPECT_EQ(Output(Python(R"py(
import os
for call, id in [(os.setuid, 0), (os.setuid, 65534), (os.setgid, 0), (os.setgid, 65534)]:
  try:
    call(id)
    print("became", id)
  except OSError:
    pass
try:
  os.setgroups([0])
  print("joined group 0")
except OSError:
  pass
)py")),
            "");
}

TEST_P(Isolation, SignalsAreAsANewProcessExpectsThemWhateverTheHostDoes) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const std::string masks = Output(Shell("grep -E 'SigBlk|SigIgn' /proc/self/status"));
  std::signal(SIGPIPE, before);
  // Two bits of the upper half are libc's own business (posix_spawn ignores its internal signals).
  EXPECT_THAT(masks, testing::MatchesRegex("SigBlk:\t0000000000000000\nSigIgn:\t.*[08]0000000\n"));
}

TEST_P(Isolation, OnlyItsOwnProcessesAreInProc) {
  EXPECT_EQ(
      Output(Python("import os\nprint(*sorted(p for p in os.listdir('/proc') if p.isdigit()))")),
      "1 2\n");
}

TEST_P(Isolation, TheInitShowsNothingOfItself) {
  EXPECT_EQ(Output(Python(R"py(
import os
for name in ["environ", "mem", "maps", "auxv", "io", "stack", "syscall", "pagemap"]:
  try:
    data = open("/proc/1/" + name, "rb").read(1)
    print(name, "opened" if name == "mem" else data)
  except OSError:
    pass
for name in ["exe", "root", "cwd"]:
  try:
    print(name, os.readlink("/proc/1/" + name))
  except OSError:
    pass
for fd in range(64):
  try:
    print("fd", fd, os.readlink(f"/proc/1/fd/{fd}"))
  except OSError:
    pass
)py")),
            "");
}

TEST_P(Isolation, TheInitCannotBeKilledFromInside) {
  EXPECT_EQ(Output(Shell("kill -9 1; kill -TERM 1; kill -INT 1; echo alive; exit 0")), "alive\n");
}

TEST_P(Isolation, KillingAllItCanReachHurtsNobodyElse) {
  const auto bystander = Start(FrameServer());
  ASSERT_TRUE(bystander);
  EXPECT_THAT(Invoke(*bystander, "count"), Returned("1"));
  const Outcome outcome = Run(Shell("sleep 1000 & kill -9 -1; kill -9 $$"));
  EXPECT_THAT(outcome, EndedBy(Ending::kSignaled));
  EXPECT_EQ(outcome.signal, SIGKILL);
  EXPECT_THAT(Invoke(*bystander, "count"), Returned("2"));
}

TEST_P(Isolation, OnlyTheLoopbackInterfaceExists) {
  const std::string devices = Output(Shell("tail -n +3 /proc/net/dev"));
  ASSERT_THAT(Lines(devices), SizeIs(1));
  EXPECT_THAT(devices, HasSubstr("lo:"));
}

constexpr char kConnect[] = R"py(
import socket, sys
where = sys.stdin.read()
families = {"4": socket.AF_INET, "6": socket.AF_INET6, "u": socket.AF_UNIX}
address = where[1:] if where[0] != "u" else "\0" + where[1:]
if where[0] != "u":
  host, port = address.split(" ")
  address = (host, int(port))
s = socket.socket(families[where[0]])
s.settimeout(5)
try:
  s.connect(address)
  print("connected", end="")
except TimeoutError:
  print("timeout", end="")
except OSError as error:
  print("refused", end="")
)py";

// A listening socket of the host on 127.0.0.1.
struct HostListener {
  HostListener() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd.get(), generic, size), 0);
    EXPECT_EQ(listen(fd.get(), 4), 0);
    EXPECT_EQ(getsockname(fd.get(), generic, &size), 0);
    where = "4127.0.0.1 " + std::to_string(ntohs(address.sin_port));
  }
  UniqueFd fd;
  std::string where;
};

TEST_P(Isolation, TheHostsLoopbackServicesAreOutOfReach) {
  const HostListener listener;
  EXPECT_EQ(Output(Python(kConnect), listener.where), "refused");
}

TEST_P(Isolation, TheHostsNetworkIsThereOnlyWhenGranted) {
  const HostListener listener;
  FunctionPackage package = Python(kConnect);
  package.grants.network = Network::kHost;
  EXPECT_EQ(Output(package, listener.where), "connected");
}

TEST_P(Isolation, NoAddressIsReachable) {
  EXPECT_EQ(Output(Python(kConnect), "4169.254.169.254 80"), "refused");
  EXPECT_EQ(Output(Python(kConnect), "41.1.1.1 53"), "refused");
  EXPECT_EQ(Output(Python(kConnect), "62606:4700:4700::1111 53"), "refused");
}

TEST_P(Isolation, TheHostsAbstractUnixSocketsAreOutOfReach) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  marker().copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + marker().size());
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd.get(), 4), 0);
  EXPECT_EQ(Output(Python(kConnect), "u" + marker()), "refused");
}

TEST_P(Isolation, InstancesShareNoAbstractUnixSocketWithAnotherFunction) {
  const char serve[] = R"py(
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0" + sys.stdin.readline().strip())
s.listen()
print("listening", file=sys.stderr, flush=True)
s.accept()
print("somebody came")
)py";
  FunctionPackage server = Python(serve);
  server.name = "server";
  const auto instance = Start(server);
  ASSERT_TRUE(instance);
  CollectedLog log;
  std::stop_source stop;
  Outcome served;
  std::jthread thread([&] {
    served = Invoke(*instance, marker() + "\n", log, Context::WithStop(stop.get_token()));
  });
  EXPECT_TRUE(log.WaitFor("listening"));
  FunctionPackage client = Python(kConnect);
  client.name = "client";
  EXPECT_EQ(Output(client, "u" + marker()), "refused");
  stop.request_stop();
  thread.join();
  EXPECT_THAT(served, EndedBy(Ending::kCancelled));
}

TEST_P(Isolation, SharedMemoryOfTheHostIsNotInside) {
  const key_t key = 0x4e470000 + getpid() % 0x10000;
  const int id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
  ASSERT_GE(id, 0);
  const std::string listed = Output(Shell("tail -n +2 /proc/sysvipc/shm"));
  shmctl(id, IPC_RMID, nullptr);
  EXPECT_EQ(listed, "");
}

TEST_P(Isolation, OnlyTheStandardDescriptorsAreOpen) {
  EXPECT_EQ(Output(Probe({"fds"})), "0 1 2 ");
}

TEST_P(Isolation, ARuntimeHasItsTwoPipesBesidesTheStandardDescriptors) {
  FunctionPackage package = FrameServer();
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  // popen's child has its pipe as standard output.
  EXPECT_THAT(Invoke(*instance, "shell:exec /var/task/probe fds"), Returned("\"0 1 2 3 4 \""));
}

TEST_P(Isolation, NoTerminalControlsIt) {
  EXPECT_EQ(Output(Python(R"py(
fields = open("/proc/self/stat").read().rpartition(") ")[2].split()
print("session", fields[3], "terminal", fields[4])
try:
  open("/dev/tty")
  print("opened")
except OSError:
  pass
)py")),
            "session 1 terminal 0\n");
}

TEST_P(Isolation, TheEnvironmentIsThePackagesAndTheOutputDirectory) {
  ASSERT_EQ(setenv("NANOGRID_TEST_SECRET", "secret", 1), 0);
  FunctionPackage package = Command({"/usr/bin/env"});
  package.env = {{"A", "1"}, {"B", "two words"}};
  EXPECT_EQ(Output(package), "A=1\nB=two words\nNANOGRID_OUTPUT=/tmp/output\n");
  unsetenv("NANOGRID_TEST_SECRET");
}

TEST_P(Isolation, TheHostNameIsNotTheHosts) {
  EXPECT_EQ(Output(Shell("uname -n; cat /proc/sys/kernel/hostname /etc/hostname")),
            "nanogrid\nnanogrid\nnanogrid\n");
}

TEST_P(Isolation, EachNamespaceIsItsOwn) {
  const char* const names[] = {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time"};
  for (const char* const name : names) {
    char host[64] = {};
    ASSERT_GT(readlink((std::string("/proc/self/ns/") + name).c_str(), host, sizeof(host) - 1), 0);
    const std::string inside = Output(Shell(std::string("readlink /proc/self/ns/") + name));
    EXPECT_THAT(inside, HasSubstr(name));
    EXPECT_NE(inside, std::string(host) + "\n");
  }
}

TEST_P(Isolation, ItsClocksBeginWithTheEngineAndNotWithTheHost) {
  const auto before = std::chrono::steady_clock::now();
  const auto sandbox = MakeLinuxSandbox(Options());
  ASSERT_TRUE(sandbox.ok());
  const auto instance = (*sandbox)->Start({}, Python(R"py(
import time
boot = [line for line in open("/proc/stat") if line.startswith("btime")][0].split()[1]
print(time.clock_gettime(time.CLOCK_MONOTONIC), time.clock_gettime(time.CLOCK_BOOTTIME),
      open("/proc/uptime").read().split()[0], time.time() - int(boot))
)py"));
  ASSERT_TRUE(instance.ok()) << instance.status();
  std::istringstream clocks(Invoke(**instance, "").result);
  const std::chrono::duration<double> most = std::chrono::steady_clock::now() - before;
  for (double clock = 0; clocks >> clock;) {
    EXPECT_GE(clock, 0);
    EXPECT_LE(clock, most.count() + 2);  // seconds are cut
  }
}

TEST_P(Isolation, ItsPlaceInTheHostsControlGroupsIsNotShown) {
  if (!HasCgroups()) GTEST_SKIP() << "no control groups are used";
  EXPECT_THAT(Output(Shell("cat /proc/self/cgroup")), Not(HasSubstr("nanogrid-")));
}

}  // namespace
}  // namespace nanogrid
