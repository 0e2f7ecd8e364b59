// Runs every act of tests/testcases in every mode there is, and writes which way each was held.
// A table of what ran goes to stdout, and with NANOGRID_TESTCASES_TABLE=FILE tab-separated there.
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "core/unique_fd.h"
#include "sandbox/act.h"
#include "sandbox/modes.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::IsEmpty;

// What an act could find if the host were in reach. Told to it on standard input.
class Baits {
 public:
  Baits() {
    file_ = directory_.Write("bait", kContent, 0666);
    setenv("NANOGRID_TEST_SECRET", kContent, 1);
    shared_memory_ = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
    abstract_ = Listen(AF_UNIX, std::string(1, '\0') + "nanogrid-bait-" + std::to_string(getpid()));
    local_ = Listen(AF_UNIX, directory_.path() + "/socket");
    (void)chmod((directory_.path() + "/socket").c_str(), 0777);
    inet_ = ListenInet();
  }
  Baits(const Baits&) = delete;
  Baits& operator=(const Baits&) = delete;
  ~Baits() {
    if (shared_memory_ >= 0) shmctl(shared_memory_, IPC_RMID, nullptr);
  }

  std::string Text() const {
    char host[256] = {};
    gethostname(host, sizeof(host) - 1);
    std::ostringstream text;
    text << "file " << file_ << "\ndirectory " << directory_.path() << "\nport " << port_
         << "\nabstract nanogrid-bait-" << getpid() << "\nsocket " << directory_.path()
         << "/socket\npid " << getpid() << "\nhostname " << host << "\nshm " << shared_memory_
         << "\nsecret " << kContent << "\n";
    return text.str();
  }
  bool Untouched() const { return ReadFile(file_) == kContent; }

 private:
  static constexpr char kContent[] = "nanogrid-bait-content";

  UniqueFd Listen(int family, const std::string& name) {
    UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0) << name;
    EXPECT_EQ(listen(fd.get(), 8), 0);
    return fd;
  }
  UniqueFd ListenInet() {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd.get(), generic, size), 0);
    EXPECT_EQ(listen(fd.get(), 8), 0);
    EXPECT_EQ(getsockname(fd.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    return fd;
  }

  TestDirectory directory_;
  std::string file_;
  UniqueFd abstract_, local_, inet_;
  int port_ = 0;
  int shared_memory_ = -1;
};

struct Row {
  std::string act, mode, verdict, note;
};

// What the whole program shares: a sandbox per mode, the baits, the table.
class Stage final : public testing::Environment {
 public:
  static Stage& Get() {
    static Stage* const stage = [] {
      auto* const made = new Stage;  // GoogleTest owns it
      testing::AddGlobalTestEnvironment(made);
      return made;
    }();
    return *stage;
  }

  void SetUp() override {
    baits_ = std::make_unique<Baits>();
    EXPECT_EQ(stat("/dev/null", &null_), 0);
  }
  void TearDown() override {
    sandboxes_.clear();
    baits_.reset();
    WriteTable();
  }
  Sandbox* SandboxOf(const Mode& mode) {
    std::unique_ptr<Sandbox>& sandbox = sandboxes_[mode.name];
    if (sandbox) return sandbox.get();
    Result<std::unique_ptr<Sandbox>> made = mode.make();
    EXPECT_TRUE(made.ok()) << made.status();
    if (made.ok()) sandbox = *std::move(made);
    return sandbox.get();
  }
  const Baits& baits() const { return *baits_; }
  bool HostIsUntouched() const {
    struct stat now;
    return baits_->Untouched() && stat("/dev/null", &now) == 0 && now.st_mode == null_.st_mode &&
           now.st_rdev == null_.st_rdev && now.st_uid == null_.st_uid;
  }
  void Add(const Act& act, const Mode& mode, Verdict verdict, const std::string& note) {
    rows_.push_back({act.area + "/" + act.name, mode.name, std::string(ToString(verdict)), note});
  }

 private:
  void WriteTable() const {
    const char* const path = getenv("NANOGRID_TESTCASES_TABLE");
    std::ofstream file;
    if (path != nullptr) file.open(path);
    std::map<std::string, int> counts;
    for (const Row& row : rows_) {
      file << row.act << '\t' << row.mode << '\t' << row.verdict << '\t' << row.note << '\n';
      ++counts[row.mode + ": " + row.verdict];
    }
    for (const auto& [what, count] : counts) std::cout << what << " " << count << "\n";
    EXPECT_TRUE(path == nullptr || file.good()) << "cannot write " << path;
  }

  std::map<std::string, std::unique_ptr<Sandbox>> sandboxes_;
  std::unique_ptr<Baits> baits_;
  struct stat null_ = {};
  std::vector<Row> rows_;
};

[[maybe_unused]] const Stage& registered = Stage::Get();

struct Case {
  const Mode* mode;
  Act act;
};
void PrintTo(const Case& tested, std::ostream* out) {
  *out << tested.act.file << " (" << tested.act.title << ") in mode " << tested.mode->name;
}

std::vector<Case> CasesOf(ModeIndex mode) {
  std::vector<Case> cases;
  for (Act& act : ReadActs(ProgramDirectory())) cases.push_back({&GetMode(mode), std::move(act)});
  return cases;
}

std::string NameOf(const testing::TestParamInfo<Case>& tested) {
  std::string name = tested.param.act.area + "_" + tested.param.act.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<std::string> CommandOf(const Act& act, const std::string& marker) {
  const std::string file = "/var/task/" + act.file;
  if (act.file.ends_with(".py")) return {"/usr/bin/python3", "-I", "-S", file, marker};
  if (act.file.ends_with(".sh")) return {"/bin/sh", file, marker};
  return {"/var/task/" + act.area + "/" + act.name, marker};
}

class HostileProgram : public testing::TestWithParam<Case> {};

TEST_P(HostileProgram, IsHeld) {
  const auto& [mode, act] = GetParam();
  ASSERT_THAT(act.errors, IsEmpty()) << "the header of " << act.file;
  std::string reason = mode->missing;
  if (reason.empty()) reason = act.SkippedIn(mode->statements);
  if (!reason.empty()) {
    Stage::Get().Add(act, *mode, Verdict::kSkipped, reason);
    // For ctest, that a whole mode is not tried.
    if (!mode->missing.empty()) std::cout << "\nskipped: " << reason << std::endl;
    GTEST_SKIP() << reason;
  }
  Sandbox* const sandbox = Stage::Get().SandboxOf(*mode);
  ASSERT_TRUE(sandbox != nullptr);

  const std::string marker = "nanogrid-act-" + std::to_string(getpid()) + "-" + act.name + "-";
  FunctionPackage package;
  package.name = "hostile";
  package.version = 1;
  package.code_dir = ProgramDirectory();
  package.command = CommandOf(act, marker);
  package.env = {{"PATH", "/usr/bin:/bin"}, {"ACT_MARKER", marker}};
  package.protocol = act.frames ? Protocol::kFrames : Protocol::kStdio;
  package.result_is_json = act.frames;
  package.limits = act.limits;
  package.image = mode->image;
  Outcome outcome;
  CollectedLog log;
  {
    const auto instance = sandbox->Start(Context::WithTimeout(kHang), package);
    ASSERT_TRUE(instance.ok()) << instance.status();
    const std::string event = act.frames ? act.event : Stage::Get().baits().Text();
    const Context context = Context::WithTimeout(*act.limits.timeout);
    auto ended = (*instance)->Invoke(context, {.request_id = "act", .event = event}, log);
    ASSERT_TRUE(ended.ok()) << ended.status();
    outcome = *std::move(ended);
  }
  std::string explanation;
  const Verdict verdict = Judge(act.ExpectedIn(mode->statements), outcome, log.text(), explanation);
  EXPECT_NE(verdict, Verdict::kWrong)
      << explanation << ", but it " << testing::PrintToString(outcome)
      << "\nand logged: " << log.text().substr(0, 1000);
  const std::vector<pid_t> left = ProcessesWith(marker);
  EXPECT_THAT(left, IsEmpty()) << "processes are left";
  EXPECT_TRUE(Stage::Get().HostIsUntouched());
  const bool good = !HasFailure();
  Stage::Get().Add(act, *mode, good ? verdict : Verdict::kWrong,
                   good ? std::string(ToString(outcome.ending)) : explanation);
}

INSTANTIATE_TEST_SUITE_P(Root, HostileProgram, testing::ValuesIn(CasesOf(kRootMode)), NameOf);
INSTANTIATE_TEST_SUITE_P(RootWithoutCgroups, HostileProgram,
                         testing::ValuesIn(CasesOf(kRootWithoutCgroupsMode)), NameOf);
INSTANTIATE_TEST_SUITE_P(Rootless, HostileProgram, testing::ValuesIn(CasesOf(kRootlessMode)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Docker, HostileProgram, testing::ValuesIn(CasesOf(kDockerMode)), NameOf);

TEST(HostilePrograms, AreManyInEveryArea) {
  std::map<std::string, int> areas;
  for (const Act& act : ReadActs(ProgramDirectory())) ++areas[act.area];
  int all = 0;
  for (const char* const area :
       {"files", "identity", "network", "protocol", "resources", "syscalls"}) {
    EXPECT_GE(areas[area], 8) << area;
    all += areas[area];
  }
  EXPECT_GE(all, 130);
}

}  // namespace
}  // namespace nanogrid
