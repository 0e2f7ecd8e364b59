#include "sandbox/sandbox_test_support.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace nanogrid {
namespace {

namespace fs = std::filesystem;

std::string NewMarker() {
  static std::atomic<int> next = 0;
  return "nanogrid-test-" + std::to_string(getpid()) + "-" + std::to_string(++next) + "-";
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    if (pid > 0) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::string CgroupsOf(const LinuxSandboxOptions& options) {
  return InspectLinuxSandbox(options).cgroups;
}

}  // namespace

bool WaitUntil(const std::function<bool()>& condition, Duration limit) {
  const TimePoint end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<pid_t> ProcessesWith(std::string_view text) {
  std::vector<pid_t> pids = AllProcesses();
  std::erase_if(pids, [&](pid_t pid) {
    return pid == getpid() ||
           ReadFile("/proc/" + std::to_string(pid) + "/cmdline").find(text) == std::string::npos;
  });
  return pids;
}

std::vector<pid_t> ProcessesOfSession(pid_t session) {
  std::vector<pid_t> pids = AllProcesses();
  std::erase_if(pids, [&](pid_t pid) { return getsid(pid) != session || !IsAlive(pid); });
  return pids;
}

std::string StatusField(pid_t pid, const std::string& name) {
  for (const std::string& line : Lines(ReadFile("/proc/" + std::to_string(pid) + "/status"))) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}

pid_t ParentOf(pid_t pid) { return std::atoi(StatusField(pid, "PPid").c_str()); }

bool IsAlive(pid_t pid) {
  const std::string state = StatusField(pid, "State");
  return !state.empty() && state[0] != 'Z' && state[0] != 'X';
}

bool SendSignal(pid_t pid, int signal) { return pid > 1 && kill(pid, signal) == 0; }

size_t CountDescriptors(pid_t pid) {
  const std::string who = pid < 0 ? "self" : std::to_string(pid);
  std::error_code error;
  const auto count = std::distance(fs::directory_iterator("/proc/" + who + "/fd", error),
                                   fs::directory_iterator());
  return static_cast<size_t>(count);
}

std::vector<std::string> InstanceCgroups(pid_t pid) {
  std::vector<std::string> names;
  for (const std::string& line : Lines(ReadFile("/proc/" + std::to_string(pid) + "/cgroup"))) {
    const size_t at = line.find("/nanogrid-");
    if (at != std::string::npos && line.find('/', at + 1) != std::string::npos) {
      names.push_back(line.substr(at + 1));
    }
  }
  return names;
}

std::vector<std::string> CgroupDirectories(const std::string& name) {
  // Not one recursive iterator: that ends early as soon as another test's group vanishes under it.
  std::vector<std::string> found;
  std::vector<fs::path> open = {"/sys/fs/cgroup"};
  while (!open.empty()) {
    const fs::path path = std::move(open.back());
    open.pop_back();
    if (path.string().ends_with("/" + name)) found.push_back(path);
    std::error_code gone;
    for (fs::directory_iterator entry(path, gone), end; !gone && entry != end;
         entry.increment(gone)) {
      std::error_code ignored;
      const fs::file_status status = entry->symlink_status(ignored);
      if (fs::is_directory(status)) open.push_back(entry->path());
    }
  }
  return found;
}

bool CgroupExists(const std::string& name) { return !CgroupDirectories(name).empty(); }

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  std::sort(words.begin(), words.end());
  return words;
}

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string ProgramDirectory() {
  const char* const given = getenv("NANOGRID_TEST_PROGRAMS");
  return given != nullptr ? given : NANOGRID_TEST_PROGRAMS;
}

TestDirectory::TestDirectory() : path_(testing::TempDir() + "nanogrid-test-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "cannot make " << path_;
  fs::permissions(path_, fs::perms(0755));
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TestDirectory::Write(const std::string& name, const std::string& content,
                                 int mode) const {
  const fs::path file = fs::path(path_) / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
  fs::permissions(file, static_cast<fs::perms>(mode));
  return file;
}

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << ToString(outcome.ending);
  if (outcome.error) *out << " (" << outcome.error->message << ")";
  *out << ", result of " << outcome.result.size() << " bytes: \"" << outcome.result.substr(0, 500)
       << "\"";
}

void PrintTo(Setup setup, std::ostream* out) {
  *out << (setup == Setup::kRoot       ? "Root"
           : setup == Setup::kRootless ? "Rootless"
                                       : "RootWithoutCgroups");
}

std::string SetupName(const testing::TestParamInfo<Setup>& tested) {
  return testing::PrintToString(tested.param);
}

SandboxTest::SandboxTest() : marker_(NewMarker()) {}

LinuxSandboxOptions SandboxTest::Options() const {
  LinuxSandboxOptions options;
  options.mode = GetParam() == Setup::kRootless ? LinuxSandboxOptions::Mode::kRootless
                                                : LinuxSandboxOptions::Mode::kRoot;
  if (GetParam() == Setup::kRootWithoutCgroups) {
    options.cgroups = LinuxSandboxOptions::Cgroups::kNone;
  }
  return options;
}

void SandboxTest::SetUp() {
  if (GetParam() != Setup::kRootless && geteuid() != 0) GTEST_SKIP() << "needs to be run as root";
  Result<std::unique_ptr<Sandbox>> sandbox = MakeLinuxSandbox(Options());
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  sandbox_ = *std::move(sandbox);
}

void SandboxTest::TearDown() {
  EXPECT_THAT(ProcessesWith(marker_), testing::IsEmpty()) << "processes are left";
}

bool SandboxTest::HasCgroups() const {
  if (GetParam() == Setup::kRootWithoutCgroups) return false;
  static const std::string as_root = CgroupsOf({});
  static const std::string rootless = CgroupsOf({.mode = LinuxSandboxOptions::Mode::kRootless});
  const std::string& kind = GetParam() == Setup::kRoot ? as_root : rootless;
  return kind == "v1" || kind == "v2";
}

FunctionPackage SandboxTest::Command(std::vector<std::string> command) const {
  FunctionPackage package;
  package.name = "tested";
  package.version = 1;
  package.code_dir = ProgramDirectory();
  package.command = std::move(command);
  package.env = {{"PATH", "/usr/bin:/bin"}};
  package.protocol = Protocol::kStdio;
  package.result_is_json = false;
  return package;
}

FunctionPackage SandboxTest::Shell(const std::string& script) const {
  return Command({"/bin/sh", "-c", script, marker_});
}

FunctionPackage SandboxTest::Python(const std::string& code) const {
  return Command({"/usr/bin/python3", "-I", "-S", "-c", code, marker_});
}

FunctionPackage SandboxTest::Probe(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "/var/task/probe");
  arguments.push_back(marker_);
  return Command(std::move(arguments));
}

FunctionPackage SandboxTest::FrameServer(const std::string& option) const {
  FunctionPackage package = Command({"/var/task/frame_server", option, marker_});
  package.protocol = Protocol::kFrames;
  package.result_is_json = true;
  return package;
}

std::unique_ptr<Instance> SandboxTest::Start(const FunctionPackage& package) {
  Result<std::unique_ptr<Instance>> instance =
      sandbox_->Start(Context::WithTimeout(kHang), package);
  EXPECT_TRUE(instance.ok()) << instance.status();
  return instance.ok() ? *std::move(instance) : nullptr;
}

Outcome SandboxTest::Run(const FunctionPackage& package, std::string_view event, LogSink& log) {
  const std::unique_ptr<Instance> instance = Start(package);
  return instance ? Invoke(*instance, event, log) : Outcome{};
}

std::string SandboxTest::Output(const FunctionPackage& package, std::string_view event) {
  CollectedLog log;
  const Outcome outcome = Run(package, event, log);
  EXPECT_THAT(outcome, EndedBy(Ending::kReturned)) << log.text();
  return outcome.result;
}

Outcome Invoke(Instance& instance, std::string_view event, LogSink& log, const Context& context) {
  Result<Outcome> outcome =
      instance.Invoke(context, {.request_id = "test-request", .event = event}, log);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *std::move(outcome) : Outcome{};
}

}  // namespace nanogrid
