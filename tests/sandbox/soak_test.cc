// Many sandboxes, ended in every way there is, leave the machine as it was.
//
// NANOGRID_SOAK: how many, in each way of setting them up (default: 130). Prints what was held
// before, and after each way in which they end; with NANOGRID_SOAK given, when nothing else is
// expected to run, what the kernel holds for the whole machine is compared, too.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Figures {
  size_t processes = 0;  // with the marker
  size_t host_descriptors = 0;
  size_t spawner_descriptors = 0, spawner_children = 0;
  size_t user_namespaces = 0, network_namespaces = 0, mount_namespaces = 0;  // the spawner holds
  size_t host_mounts = 0;     // of code, at its place in a sandbox
  size_t spawner_mounts = 0;  // in its namespace and never in the host's, and in the templates
  size_t cgroups = 0;         // of instances, in all hierarchies
  bool operator==(const Figures&) const = default;
};
struct Memory {
  size_t host = 0, spawner = 0;  // resident KiB
};

void PrintTo(const Figures& f, std::ostream* out) {
  *out << f.processes << " processes; host: " << f.host_descriptors << " descriptors, "
       << f.host_mounts << " mounts; spawner: " << f.spawner_descriptors << " descriptors, "
       << f.spawner_children << " children, " << f.spawner_mounts << " mounts, "
       << f.user_namespaces << " user, " << f.network_namespaces << " network, "
       << f.mount_namespaces << " mount namespaces (and with them uids and tmpfs); " << f.cgroups
       << " cgroups";
}

size_t ResidentKiB(const std::string& process) {
  size_t size = 0, resident = 0;
  std::istringstream in(ReadFile("/proc/" + process + "/statm"));
  in >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

// What is mounted where, as a process sees it, without the numbers that differ in every namespace.
using MountSet = std::multiset<std::string>;
MountSet Mounts(const std::string& process) {
  MountSet mounts;
  for (const std::string& line : Lines(ReadFile("/proc/" + process + "/mountinfo"))) {
    std::istringstream in(line);
    std::string id, parent, device, root, point;
    in >> id >> parent >> device >> root >> point;
    mounts.insert(fmt::format("{} {} {}", device, root, point));
  }
  return mounts;
}

// What the host has mounted since this program began. A spawner has a copy of what there was at its
// start, which goes when somebody else removes the directory.
MountSet g_host_mounts = Mounts("self");

// How many mounts there are in a mount namespace that `process` holds open; 0 if we may not look.
size_t CountMounts(pid_t process, const fs::path& descriptor) {
  int results[2];
  if (pipe2(results, O_CLOEXEC) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    const std::string users = "/proc/" + std::to_string(process) + "/ns/user";
    const int proc = open("/proc", O_RDONLY | O_DIRECTORY);
    const int user_space = open(users.c_str(), O_RDONLY),
              space = open(descriptor.c_str(), O_RDONLY);
    (void)setns(user_space, CLONE_NEWUSER);  // fails for one that is ours
    size_t count = 0;
    if (setns(space, CLONE_NEWNS) == 0) {
      FILE* const mounts = fdopen(openat(proc, "self/mountinfo", O_RDONLY), "r");
      for (int c; mounts != nullptr && (c = std::fgetc(mounts)) != EOF;) count += c == '\n' ? 1 : 0;
    }
    (void)!write(results[1], &count, sizeof(count));
    _exit(0);
  }
  close(results[1]);
  size_t count = 0;
  (void)!read(results[0], &count, sizeof(count));
  close(results[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return count;
}

// What the kernel holds, for whomever. Others on the machine change it, and it is given back late;
// but what grows with every sandbox shows among ten thousand.
using Machine = std::map<std::string, size_t>;

Machine LookAtMachine() {
  Machine machine;
  machine["mounts of the host"] = Mounts("self").size();
  for (const std::string& line : Lines(ReadFile("/proc/slabinfo"))) {  // root's only
    std::istringstream in(line);
    std::string name;
    size_t active = 0;
    in >> name >> active;
    if (name.ends_with("_namespace") || name == "mnt_cache" || name == "shmem_inode_cache") {
      machine[name] = active;
    }
  }
  for (const std::string& line : Lines(ReadFile("/proc/cgroups"))) {  // those that are dying, too
    std::istringstream in(line);
    std::string name;
    size_t hierarchy = 0, count = 0;
    in >> name >> hierarchy >> count;
    if (hierarchy != 0) machine["cgroups " + name] = count;
  }
  for (const std::string& line : Lines(ReadFile("/sys/fs/cgroup/cgroup.stat"))) {
    std::istringstream in(line);
    std::string name;
    size_t count = 0;
    in >> name >> count;
    if (name == "nr_descendants" || name == "nr_dying_descendants") machine[name] = count;
  }
  for (const std::string& line : Lines(ReadFile("/proc/meminfo"))) {
    std::istringstream in(line);
    std::string name;
    size_t size = 0;
    in >> name >> size;
    if (name == "Shmem:" || name == "SUnreclaim:" || name == "Percpu:") machine[name] = size;
  }
  return machine;
}

class Soak : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    keeper_ = Start(FrameServer());
    ASSERT_TRUE(keeper_);
    ASSERT_THAT(Invoke(*keeper_, "count"), Returned("1"));
    const std::vector<pid_t> pids = ProcessesWith(marker());
    ASSERT_EQ(pids.size(), 1u);
    spawner_ = ParentOf(ParentOf(pids[0]));
    for (const std::string& group : InstanceCgroups(pids[0])) {
      groups_.insert(group.substr(0, group.find('/')));
    }
  }
  void TearDown() override {
    keeper_.reset();
    SandboxTest::TearDown();
  }

  Figures Count() const {
    Figures figures;
    const std::string proc = "/proc/" + std::to_string(spawner_);
    figures.processes = ProcessesWith(marker()).size();
    figures.host_descriptors = CountDescriptors();
    figures.spawner_descriptors = CountDescriptors(spawner_);
    figures.spawner_children =
        Words(ReadFile(proc + "/task/" + std::to_string(spawner_) + "/children")).size();
    std::map<std::string, std::set<std::string>> spaces;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(proc + "/fd", gone)) {
      const std::string target = fs::read_symlink(entry.path(), gone);
      const std::string kind = target.substr(0, target.find(':'));
      if (kind == "mnt" && !spaces[kind].contains(target)) {
        figures.spawner_mounts += CountMounts(spawner_, entry.path());
      }
      spaces[kind].insert(target);
    }
    figures.user_namespaces = spaces["user"].size();
    figures.network_namespaces = spaces["net"].size();
    figures.mount_namespaces = spaces["mnt"].size();
    const MountSet host = Mounts("self"), spawner = Mounts(std::to_string(spawner_));
    for (const std::string& mount : host) {
      while (g_host_mounts.count(mount) < host.count(mount)) g_host_mounts.insert(mount);
    }
    figures.host_mounts =
        static_cast<size_t>(std::count_if(host.begin(), host.end(), [](const std::string& mount) {
          return mount.find("/var/task") != std::string::npos;
        }));
    std::vector<std::string> own;
    std::set_difference(spawner.begin(), spawner.end(), g_host_mounts.begin(), g_host_mounts.end(),
                        std::back_inserter(own));
    figures.spawner_mounts += own.size();
    for (const std::string& group : groups_) {
      for (const std::string& path : CgroupDirectories(group)) {
        for (const auto& entry : fs::directory_iterator(path, gone)) {
          figures.cgroups += entry.is_directory(gone) ? 1 : 0;
        }
      }
    }
    return figures;
  }
  Memory Resident() const { return {ResidentKiB("self"), ResidentKiB(std::to_string(spawner_))}; }

  // The spawner makes a stock of everything when it has time; then nothing changes any more.
  Figures Settled() const {
    Figures last = Count();
    for (int same = 0; same < 5;) {
      WaitUntil([] { return false; }, milliseconds(50));
      const Figures now = Count();
      same = now == last ? same + 1 : 0;
      last = now;
    }
    return last;
  }

  // As many at a time as never again: what is pooled has its number then.
  void FillPools() {
    std::vector<std::unique_ptr<Instance>> many;
    for (int i = 0; i < 10; ++i) many.push_back(Start(FrameServer()));
  }

  Figures CountAgain(const Figures& before) const;
  void Way(size_t which);
  static const char* WayName(size_t which);
  static constexpr size_t kWays = 13;

 private:
  struct Dropped final : FileSink {
    Status Begin(std::string_view, uint64_t) override { return absl::OkStatus(); }
    Status Write(std::string_view) override { return absl::OkStatus(); }
    Status End() override { return absl::OkStatus(); }
  };

  void Ends(const FunctionPackage& package, std::string_view event, Ending ending,
            const Context& context = Context::WithTimeout(kHang), FileSink* files = nullptr,
            LogSink& log = LogSink::Null()) {
    const auto instance = Start(package);
    if (!instance) return;
    const auto outcome =
        instance->Invoke(context, {.request_id = "r", .event = event, .files = files}, log);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_THAT(*outcome, EndedBy(ending));
  }
  void IsCancelled();
  void IsDroppedWhileItRuns();

  std::unique_ptr<Instance> keeper_;
  pid_t spawner_ = -1;
  std::set<std::string> groups_{};
};
INSTANTIATE_SANDBOX_TESTS(Soak);

void Soak::IsCancelled() {
  const auto stop = std::make_unique<std::stop_source>();
  struct Stop final : LogSink {
    void Write(std::string_view) override { stop->request_stop(); }
    std::stop_source* stop = nullptr;
  } log;
  log.stop = stop.get();
  Ends(FrameServer(), "wait", Ending::kCancelled, Context::WithStop(stop->get_token()), nullptr,
       log);
}

// A thread of the runtime spins on after the answer; one of two is frozen at that.
void Soak::IsDroppedWhileItRuns() {
  const auto busy = Start(FrameServer()), frozen = Start(FrameServer());
  if (!busy || !frozen) return;
  EXPECT_THAT(Invoke(*busy, "spin"), Returned("null"));
  EXPECT_THAT(Invoke(*frozen, "spin"), Returned("null"));
  EXPECT_TRUE(frozen->Freeze().ok());
}

void Soak::Way(size_t which) {
  Dropped files;
  switch (which) {
    case 0:
      return Ends(FrameServer(), "echo:1", Ending::kReturned);
    case 1:
      return Ends(Shell("echo x > $NANOGRID_OUTPUT/x; mkdir $NANOGRID_OUTPUT/d"), "",
                  Ending::kReturned, Context::WithTimeout(kHang), &files);
    case 2:
      return Ends(FrameServer(), "error:{}", Ending::kException);
    case 3:
      return Ends(FrameServer(), "orphan-and-exit:3", Ending::kExited);
    case 4:
      return Ends(FrameServer(), "signal:11", Ending::kSignaled);
    case 5:
      return Ends(FrameServer(), "wait", Ending::kTimeout, Context::WithTimeout(milliseconds(20)));
    case 6: {
      FunctionPackage package = Probe({"hog"});
      package.limits.memory = 16 << 20;
      return Ends(package, "", Ending::kOutOfMemory);
    }
    case 7: {
      FunctionPackage package = Probe({"fork-bomb"});
      package.limits.max_processes = 8;
      return Ends(package, "", Ending::kTooManyProcesses);
    }
    case 8: {
      FunctionPackage package = Shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
      package.limits.max_output = 64 << 10;
      return Ends(package, "", Ending::kOutputLimit);
    }
    case 9:
      return Ends(Probe({"x32"}), "", Ending::kViolation);
    case 10:
      return IsCancelled();
    case 11: {
      FunctionPackage package = Shell("echo");
      package.code_dir = "/nonexistent";
      const auto instance = sandbox().Start({}, package);
      EXPECT_FALSE(instance.ok());
      return;
    }
    default:
      return IsDroppedWhileItRuns();
  }
}

const char* Soak::WayName(size_t which) {
  static constexpr std::array<const char*, kWays> kNames = {"that answered",
                                                            "with result files",
                                                            "with an exception",
                                                            "that exited, leaving a process",
                                                            "killed by a signal of their own",
                                                            "at their time limit",
                                                            "out of memory",
                                                            "with too many processes",
                                                            "with too much output",
                                                            "with a forbidden system call",
                                                            "cancelled",
                                                            "that could not start",
                                                            "dropped, running and frozen"};
  return kNames.at(which);
}

// Waits until it is as before: what a sandbox had goes a moment after it.
Figures Soak::CountAgain(const Figures& before) const {
  Figures now;
  (void)WaitUntil([&] { return (now = Count()) == before; });
  return now;
}

TEST_P(Soak, NothingIsLeftOfSandboxesEndedInEveryWay) {
  const char* const given = getenv("NANOGRID_SOAK");
  const size_t count = given != nullptr ? std::strtoul(given, nullptr, 10) : 130;
  FillPools();
  for (size_t i = 0; i < 2 * kWays; ++i) Way(i % kWays);
  const Figures before = Settled();
  const Memory memory = Resident();
  const Machine machine = LookAtMachine();
  std::printf("%zu sandboxes\n  before: %s\n", count, testing::PrintToString(before).c_str());
  size_t done = 0;
  for (size_t way = 0; way < kWays && !HasFailure(); ++way) {
    const TimePoint start = std::chrono::steady_clock::now();
    const size_t until = count * (way + 1) / kWays, number = until - done;
    for (; done < until && !HasFailure(); ++done) Way(way);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    const Figures after = CountAgain(before);
    EXPECT_EQ(after, before) << WayName(way);
    const Memory now = Resident();
    std::printf("  %zu %s, %.1f ms each: %s; resident: host %zu, spawner %zu KiB\n", number,
                WayName(way), took.count() / static_cast<double>(std::max<size_t>(number, 1)),
                after == before ? "as before" : testing::PrintToString(after).c_str(), now.host,
                now.spawner);
    std::fflush(stdout);
  }
  const Figures after = Settled();
  const Memory memory_after = Resident();
  std::printf("  after:  %s\n", testing::PrintToString(after).c_str());
  std::printf("  resident: host %zu -> %zu KiB, spawner %zu -> %zu KiB\n", memory.host,
              memory_after.host, memory.spawner, memory_after.spawner);
  EXPECT_EQ(after, before);
  // Less than a page for two sandboxes, and room for what an allocator keeps; a sanitizer's keeps
  // all.
  EXPECT_LT(memory_after.spawner, memory.spawner + 1024 + count);
  if (!kSanitized) {
    EXPECT_LT(memory_after.host, memory.host + 4096 + count);
  }
  for (const auto& [name, had] : machine) {
    const size_t has = LookAtMachine()[name];
    std::printf("  machine: %s %zu -> %zu\n", name.c_str(), had, has);
    if (given != nullptr && !name.ends_with(":")) {
      EXPECT_LT(has, had + 200 + count / 20) << name;
    }
  }
}

}  // namespace
}  // namespace nanogrid
