// Which files code in a sandbox sees, and which it can change.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

class FileSystem : public SandboxTest {};
INSTANTIATE_SANDBOX_TESTS(FileSystem);

TEST_P(FileSystem, TheHostsFilesDoNotExist) {
  const TestDirectory directory;
  const std::string secret = directory.Write("secret", "secret", 0600);
  const std::string open_to_all = directory.Write("open", "secret");
  EXPECT_EQ(Output(Shell("for path in /etc/shadow /etc/gshadow /root /home /var/log /var/lib /boot "
                         "/mnt /media /srv /opt /lost+found " +
                         secret + " " + open_to_all + " " + directory.path() +
                         "; do if [ -e \"$path\" ]; then echo \"$path\"; fi; done")),
            "");
}

TEST_P(FileSystem, TheRootHoldsOnlyWhatRuntimesNeed) {
  for (const std::string& name : Words(Output(Shell("ls -A /")))) {
    EXPECT_THAT(name, AnyOf("bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run",
                            "sbin", "sys", "tmp", "usr", "var", ".hostproc"));
  }
}

TEST_P(FileSystem, TheCodeIsTheWorkingDirectory) {
  const TestDirectory code;
  code.Write("data/hello.txt", "hello");
  FunctionPackage package = Shell("pwd; cat data/hello.txt /var/task/data/hello.txt");
  package.code_dir = code.path();
  EXPECT_EQ(Output(package), "/var/task\nhellohello");
}

TEST_P(FileSystem, FilesOfOthersKeepTheirPermissionsEvenInTheCode) {
  if (GetParam() == Setup::kRootless) GTEST_SKIP() << "the caller's own files are its own";
  const TestDirectory code;
  code.Write("secret", "secret", 0600);
  code.Write("public", "public", 0644);
  FunctionPackage package = Shell("cat /var/task/secret 2>/dev/null; cat /var/task/public");
  package.code_dir = code.path();
  EXPECT_EQ(Output(package), "public");
}

TEST_P(FileSystem, RuntimeFilesAreWhereRuntimesLookForThem) {
  const TestDirectory files;
  files.Write("python3/bootstrap.py", "print('found')");
  LinuxSandboxOptions options = Options();
  options.runtime_dir = files.path();
  auto other = MakeLinuxSandbox(options);
  ASSERT_TRUE(other.ok()) << other.status();
  const FunctionPackage package = Shell(
      "cat /var/runtime/python3/bootstrap.py; touch /var/runtime/x 2>/dev/null && echo bad; exit "
      "0");
  const auto instance = (*other)->Start(Context::WithTimeout(kHang), package);
  ASSERT_TRUE(instance.ok()) << instance.status();
  const Outcome outcome = Invoke(**instance, "");
  EXPECT_THAT(outcome.result, "print('found')");
}

TEST_P(FileSystem, NothingButTmpCanBeWritten) {
  EXPECT_EQ(
      Output(Shell("for dir in / /bin /dev /etc /etc/ssl /lib /proc /proc/self /run /sys /usr "
                   "/usr/bin /usr/lib /var /var/task /var/runtime; do "
                   "if (: > $dir/x) 2>/dev/null || mkdir $dir/x 2>/dev/null; "
                   "then echo $dir; fi; done; : > /tmp/x && echo tmp")),
      "tmp\n");
}

TEST_P(FileSystem, WhatExistsCannotBeChanged) {
  const TestDirectory code;
  code.Write("mine", "as it was", 0666);
  FunctionPackage package = Shell(
      "for f in /usr/bin/env /etc/passwd /etc/hosts /var/task/mine /usr /etc /var/task /; do "
      "if chmod 777 $f 2>/dev/null || touch $f 2>/dev/null || mv $f /tmp/x 2>/dev/null; "
      "then echo changed $f; fi; done; (echo no > /var/task/mine) 2>/dev/null; "
      "rm -f /var/task/mine 2>/dev/null; cat /var/task/mine");
  package.code_dir = code.path();
  std::filesystem::permissions(code.path(), std::filesystem::perms(0777));
  EXPECT_EQ(Output(package), "as it was");
  EXPECT_EQ(ReadFile(code.path() + "/mine"), "as it was");
}

TEST_P(FileSystem, EveryMountButTmpIsReadOnlyAndNoneHonoursSetUserId) {
  for (const std::string& line : Lines(Output(Shell("cat /proc/self/mountinfo")))) {
    std::istringstream in(line);
    std::string skipped, where, options;
    in >> skipped >> skipped >> skipped >> skipped >> where >> options;
    EXPECT_THAT(options, HasSubstr("nosuid")) << line;
    if (where == "/tmp") {
      EXPECT_THAT(options, HasSubstr("nodev")) << line;
    } else {
      EXPECT_THAT(options, testing::StartsWith("ro")) << line;
    }
    if (!where.starts_with("/dev") && !where.starts_with("/proc/")) {
      EXPECT_THAT(options, HasSubstr("nodev")) << line;
    }
  }
}

// The owner of the host's /dev/null, given back should a test find it changed.
class HostDevNull {
 public:
  HostDevNull() { EXPECT_EQ(stat("/dev/null", &before_), 0); }
  ~HostDevNull() {
    if (!Unchanged()) (void)!chown("/dev/null", before_.st_uid, before_.st_gid);
  }
  bool Unchanged() const {
    struct stat now;
    return stat("/dev/null", &now) == 0 && now.st_mode == before_.st_mode &&
           now.st_uid == before_.st_uid && now.st_gid == before_.st_gid;
  }

 private:
  struct stat before_ {};
};

// Tries only what changes nothing should it be allowed.
TEST_P(FileSystem, TheHostsDeviceNodesCannotBeChanged) {
  EXPECT_EQ(Output(Python(R"py(
import os
for path in ("/dev/null", "/dev/zero", "/dev/urandom", "/proc/cmdline"):
  try:
    os.chmod(path, os.stat(path).st_mode & 0o7777)
    print("may change", path)
  except OSError:
    pass
)py")),
            "");
}

TEST_P(FileSystem, StandardInputOfARuntimeGivesNoHoldOnTheHostsDevNull) {
  const HostDevNull null;
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_TRUE(null.Unchanged());
  EXPECT_THAT(Invoke(*instance, "shell:chmod 666 /proc/$PPID/fd/0 2>/dev/null && echo may change"),
              Returned("\"\""));
}

TEST_P(FileSystem, DevHoldsOnlyHarmlessDevices) {
  EXPECT_THAT(Words(Output(Shell("ls -A /dev"))),
              ElementsAre("fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout",
                          "urandom", "zero"));
}

TEST_P(FileSystem, TheDevicesWork) {
  EXPECT_EQ(Output(Shell("echo x > /dev/null && head -c 3 /dev/zero | wc -c && "
                         "head -c 3 /dev/urandom | wc -c && head -c 3 /dev/random | wc -c && "
                         "{ echo x > /dev/full; } 2>/dev/null || echo full; echo y > /dev/stdout")),
            "3\n3\n3\nfull\ny\n");
}

TEST_P(FileSystem, DeviceNodesCannotBeMade) {
  EXPECT_EQ(Output(Python(R"py(
import os, stat
for kind in (stat.S_IFCHR, stat.S_IFBLK):
  try:
    os.mknod("/tmp/node", kind | 0o666, os.makedev(1, 1))
    print("made")
  except OSError:
    pass
)py")),
            "");
}

TEST_P(FileSystem, TmpIsPrivateToEachInstance) {
  const auto first = Start(FrameServer()), second = Start(FrameServer());
  ASSERT_TRUE(first && second);
  EXPECT_THAT(Invoke(*first, "shell:echo secret > /tmp/file; ls -A /tmp"),
              Returned("\"file\\noutput\\n\""));
  EXPECT_THAT(Invoke(*second, "shell:ls -A /tmp /var/tmp /dev/shm/"),
              Returned("\"/dev/shm/:\\noutput\\n\\n/tmp:\\noutput\\n\\n/var/tmp:\\noutput\\n\""));
  EXPECT_THAT(Invoke(*first, "shell:cat /tmp/file /dev/shm/file /var/tmp/file"),
              Returned("\"secret\\nsecret\\nsecret\\n\""));
}

TEST_P(FileSystem, TmpIsLimitedInBytes) {
  FunctionPackage package = Shell(
      "head -c 4M /dev/zero > /tmp/file || echo refused; stat -c %s /tmp/file; rm /tmp/file; "
      "head -c 900K /dev/zero > /tmp/file && echo fits");
  package.limits.tmp_size = 1 << 20;
  CollectedLog log;
  EXPECT_EQ(Run(package, "", log).result, "refused\n1048576\nfits\n");
  EXPECT_THAT(log.text(), HasSubstr("No space left on device"));
}

TEST_P(FileSystem, TmpIsLimitedInFiles) {
  FunctionPackage package = Python(R"py(
import errno, os
count = 0
try:
  while count < 1000000:
    os.close(os.open(f"/tmp/{count}", os.O_CREAT | os.O_WRONLY))
    count += 1
except OSError as error:
  print(errno.errorcode[error.errno], 100 < count < 10000)
)py");
  package.limits.tmp_size = 1 << 20;
  EXPECT_EQ(Output(package), "ENOSPC True\n");
}

TEST_P(FileSystem, SensitiveFilesInProcAreMaskedOrClosed) {
  EXPECT_EQ(Output(Python(R"py(
names = ["cmdline", "kallsyms", "kcore", "keys", "kmsg", "kpageflags", "kpagecount", "modules",
         "sched_debug", "slabinfo", "timer_list", "vmallocinfo", "pagetypeinfo", "iomem", "ioports",
         "interrupts", "locks", "partitions", "diskstats"]
for name in names:
  try:
    data = open("/proc/" + name, "rb", buffering=0).read(64)
    if data and data.strip(b"0 \n-:"):
      print(name, data)
  except OSError:
    pass
)py")),
            "");
}

TEST_P(FileSystem, TheKernelsSettingsCannotBeChanged) {
  EXPECT_EQ(Output(Shell("for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname "
                         "/proc/sys/vm/overcommit_memory /proc/sys/net/ipv4/ip_forward "
                         "/proc/sysrq-trigger /proc/self/uid_map /proc/self/oom_score_adj; do "
                         "[ -c $f ] && continue; "  // masked by /dev/null
                         "if (cat /proc/sys/kernel/ostype > $f) 2>/dev/null; then echo $f; fi; "
                         "done")),
            "");
}

TEST_P(FileSystem, SysIsEmpty) { EXPECT_EQ(Output(Shell("ls -A /sys")), ""); }

TEST_P(FileSystem, NamesOfUsersAndHostsResolve) {
  EXPECT_EQ(Output(Python(R"py(
import pwd, socket
print(pwd.getpwuid(1000).pw_name, pwd.getpwnam("root").pw_uid, socket.gethostbyname("localhost"))
)py")),
            "sandbox 0 127.0.0.1\n");
}

TEST_P(FileSystem, OpenFilesAreLimited) {
  FunctionPackage package = Python(R"py(
import errno, os
opened = []
try:
  while True:
    opened.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
  print(errno.errorcode[error.errno], opened[-1])
)py");
  for (const uint32_t limit : {16u, 20u, 500u}) {
    package.limits.max_open_files = limit;
    EXPECT_EQ(Output(package), "EMFILE " + std::to_string(limit - 1) + "\n");
  }
}

}  // namespace
}  // namespace nanogrid
