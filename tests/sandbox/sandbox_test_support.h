// What the tests of the Linux sandbox share: sandboxes in each of the ways they can be set up,
// small programs to run in them, and a look at the host's side of an instance.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/adapters/linux_sandbox.h"

namespace nanogrid {

// Generous: what takes this long hangs.
inline constexpr Duration kHang = std::chrono::seconds(60);

// Whether `condition` became true before `limit` was over.
bool WaitUntil(const std::function<bool()>& condition, Duration limit = kHang);

// Processes of this machine, but the test's own, with `text` in their command line.
std::vector<pid_t> ProcessesWith(std::string_view text);
// The value of a line "Name:\tvalue" of /proc/PID/status; empty if there is none.
std::string StatusField(pid_t pid, const std::string& name);
pid_t ParentOf(pid_t pid);
// False also for one that is dead and waits for somebody to ask how it ended.
bool IsAlive(pid_t pid);
// Processes of a session, dead ones not counted.
std::vector<pid_t> ProcessesOfSession(pid_t session);
// To exactly one process: neither a group nor everybody, whatever `pid` is.
bool SendSignal(pid_t pid, int signal);
std::string ReadFile(const std::string& path);
// Descriptors that process has open; -1: this one.
size_t CountDescriptors(pid_t pid = -1);
// The cgroups an instance's process is in, below the spawner's: "nanogrid-…/3".
std::vector<std::string> InstanceCgroups(pid_t pid);
// The directories whose paths end in this name, in all cgroup hierarchies.
std::vector<std::string> CgroupDirectories(const std::string& name);
bool CgroupExists(const std::string& name);
// Sorted words of a text.
std::vector<std::string> Words(const std::string& text);
std::vector<std::string> Lines(const std::string& text);

// Directory of the programs that tests run in sandboxes.
std::string ProgramDirectory();

// Keeps what was logged. Thread-safe.
class CollectedLog final : public LogSink {
 public:
  void Write(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    text_.append(bytes);
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  bool WaitFor(const std::string& text) const {
    return WaitUntil([&] { return this->text().find(text) != std::string::npos; });
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// A directory for one test that anyone may enter.
class TestDirectory {
 public:
  TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory();

  const std::string& path() const { return path_; }
  // Makes the directories in between, too; answers the path.
  std::string Write(const std::string& name, const std::string& content, int mode = 0644) const;

 private:
  std::string path_;
};

void PrintTo(const Outcome& outcome, std::ostream* out);

MATCHER_P(EndedBy, ending, "ended by " + std::string(ToString(ending))) {
  return arg.ending == ending;
}
MATCHER_P(Returned, result, "returned " + testing::PrintToString(std::string(result))) {
  return arg.ending == Ending::kReturned && arg.result == result;
}

enum class Setup { kRoot, kRootWithoutCgroups, kRootless };
void PrintTo(Setup setup, std::ostream* out);
std::string SetupName(const testing::TestParamInfo<Setup>& tested);

// A sandbox set up as the parameter says. Every process that a package made here runs carries the
// test's marker in its command line; none may be left when the test is over.
class SandboxTest : public testing::TestWithParam<Setup> {
 protected:
  SandboxTest();
  void SetUp() override;
  void TearDown() override;

  LinuxSandboxOptions Options() const;
  Sandbox& sandbox() { return *sandbox_; }
  void CloseSandbox() { sandbox_.reset(); }
  const std::string& marker() const { return marker_; }
  // Whether limits are the kernel's and instances can be frozen.
  bool HasCgroups() const;

  // Programs, spoken to by stdin and stdout.
  FunctionPackage Command(std::vector<std::string> command) const;
  FunctionPackage Shell(const std::string& script) const;
  FunctionPackage Python(const std::string& code) const;
  FunctionPackage Probe(std::vector<std::string> arguments) const;
  // Speaks frames; events are commands of programs/frame_server.cc.
  FunctionPackage FrameServer(const std::string& option = "-") const;

  // A failed start is a failure of the test; nullptr then.
  std::unique_ptr<Instance> Start(const FunctionPackage& package);
  // One invocation of a new instance. A failed start or call is a failure of the test.
  Outcome Run(const FunctionPackage& package, std::string_view event = "",
              LogSink& log = LogSink::Null());
  // What a script printed, after it ended well.
  std::string Output(const FunctionPackage& package, std::string_view event = "");

 private:
  std::string marker_;
  std::unique_ptr<Sandbox> sandbox_;
};

// One call that is expected not to be an error.
Outcome Invoke(Instance& instance, std::string_view event, LogSink& log = LogSink::Null(),
               const Context& context = Context::WithTimeout(kHang));

}  // namespace nanogrid

#define INSTANTIATE_SANDBOX_TESTS(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(                                                                      \
      Linux, suite, testing::Values(Setup::kRoot, Setup::kRootWithoutCgroups, Setup::kRootless), \
      SetupName)
