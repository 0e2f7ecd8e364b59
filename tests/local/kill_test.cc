// A service is killed at random moments. No job that it acknowledged is lost, none ends twice, and
// asking again under the same key makes no second one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/unique_fd.h"
#include "engine/temp_directory.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/linux_sandbox.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // starts slowly
#else
constexpr bool kSanitized = false;
#endif
constexpr size_t kSubmitters = 8;

// A kill_service and what it tells.
class ServiceProcess {
 public:
  explicit ServiceProcess(std::vector<std::string> arguments) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    output_ = UniqueFd(ends[0]);
    const UniqueFd input(ends[1]);
    arguments.insert(arguments.begin(), NANOGRID_KILL_SERVICE);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    EXPECT_EQ(::posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    reader_ = std::jthread([this] { ReadAll(); });
  }

  // Until it has told something, or ended.
  void WaitForOutput() const { spoke_.wait(false); }
  void Kill() { EXPECT_EQ(::kill(process_, SIGKILL), 0); }
  // Its status; everything that it told has been read then.
  int Wait() {
    int status = -1;
    EXPECT_EQ(::waitpid(process_, &status, 0), process_);
    reader_.join();
    return status;
  }
  const std::string& told() const { return told_; }

 private:
  // Its pipe must not fill up.
  void ReadAll() {
    std::array<char, 65536> buffer;
    for (ssize_t size = 0; (size = ::read(output_.get(), buffer.data(), buffer.size())) > 0;) {
      told_.append(buffer.data(), static_cast<size_t>(size));
      Spoke();
    }
    Spoke();
  }

  void Spoke() {
    spoke_ = true;
    spoke_.notify_all();
  }

  UniqueFd output_;
  std::atomic<bool> spoke_ = false;
  pid_t process_ = -1;
  std::string told_;
  std::jthread reader_;
};

struct Submitted {
  std::map<std::string, std::string> ids;         // of acknowledged jobs, by key
  std::array<unsigned long, kSubmitters> next{};  // per thread: the first that is not acknowledged

  void Read(const std::string& told) {
    std::istringstream lines(told);
    unsigned long thread = 0, n = 0;
    for (std::string id; lines >> thread >> n >> id;) {
      const std::string key = std::to_string(thread) + "-" + std::to_string(n);
      EXPECT_EQ(ids.emplace(key, id).first->second, id) << "another job under the same key";
      next.at(thread) = n + 1;
    }
  }
};

class ServiceKillTest : public testing::Test {
 protected:
  // At least so many kills and jobs; then lets the rest be done, and looks at everything.
  void KillAndCount(const std::string& sandbox, int least_kills, size_t least_jobs) {
    const auto seed = std::random_device()();
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> life_ms(0, 200);
    Submitted submitted;
    int kills = 0;
    for (; (kills < least_kills || submitted.ids.size() < least_jobs) && !HasFailure(); ++kills) {
      std::vector<std::string> arguments{sandbox, directory_.path()};
      for (const unsigned long next : submitted.next) arguments.push_back(std::to_string(next));
      ServiceProcess service(arguments);
      if (random() % 4 != 0) service.WaitForOutput();  // else it may die while it starts
      std::this_thread::sleep_for(std::chrono::milliseconds(life_ms(random)));  // its life
      service.Kill();
      EXPECT_TRUE(WIFSIGNALED(service.Wait())) << "it ended by itself";
      submitted.Read(service.told());
    }
    ServiceProcess last({sandbox, directory_.path()});
    EXPECT_EQ(last.Wait(), 0);
    std::printf("seed %u, %d kills, %zu jobs acknowledged\n", seed, kills, submitted.ids.size());
    EXPECT_FALSE(submitted.ids.empty());
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectAllDone(submitted);
  }

 private:
  void ExpectAllDone(Submitted& submitted) {
    const auto stores = OpenSqlite({.path = directory_ / "nanogrid.db"});
    ASSERT_TRUE(stores.ok()) << stores.status();
    std::map<std::string, std::string> by_key;
    std::string cursor;
    uint32_t most_attempts = 0;
    do {
      const auto page = stores->jobs->List({}, {}, cursor, 1000);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const Job& job : page->jobs) {
        EXPECT_TRUE(by_key.emplace(job.idempotency_key, job.id).second) << job.idempotency_key;
        ExpectDone(*stores->jobs, job);
        most_attempts = std::max(most_attempts, job.attempt);
      }
      cursor = page->cursor;
    } while (!cursor.empty());
    std::printf("%zu jobs, up to %u attempts\n", by_key.size(), most_attempts);
    // A thread may have died before it could tell of its latest.
    EXPECT_LE(by_key.size(), submitted.ids.size() + kSubmitters);
    for (const auto& [key, id] : submitted.ids) EXPECT_EQ(by_key[key], id) << key;
  }

  void ExpectDone(JobStore& jobs, const Job& listed) {
    EXPECT_EQ(listed.state, JobState::kSuccess) << listed.id << " " << listed.dead_letter;
    const auto job = jobs.Get({}, listed.id);
    ASSERT_TRUE(job.ok()) << job.status();
    const Result<std::string> result = job->result_key.empty()
                                           ? Result<std::string>(job->outcome->result)
                                           : ReadObject({}, objects(), job->result_key);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->starts_with('"' + job->idempotency_key)) << result->substr(0, 100);
    EXPECT_EQ(result->size(), job->result_size);
    const auto events = jobs.Events({}, listed.id, "", 1000);
    ASSERT_TRUE(events.ok()) << events.status();
    ASSERT_EQ(events->size(), job->revision) << job->id;
    for (size_t i = 0; i < events->size(); ++i) {
      EXPECT_EQ((*events)[i].revision, i + 1) << job->id;
      EXPECT_EQ(IsTerminal((*events)[i].state), i + 1 == events->size()) << job->id;
    }
  }

  ObjectStore& objects() {
    if (objects_ == nullptr) {
      objects_ = *MakeFileObjectStore(FileObjectStoreOptions{.directory = directory_ / "objects"});
    }
    return *objects_;
  }

  TempDirectory directory_;
  std::unique_ptr<ObjectStore> objects_;
};

TEST_F(ServiceKillTest, NoJobIsLostOrDoneTwice) {
  KillAndCount("fake", kSanitized ? 20 : 300, kSanitized ? 200 : 10'000);
}

TEST_F(ServiceKillTest, NoJobInASandboxIsLostOrDoneTwice) {
  if (!InspectLinuxSandbox().usable) GTEST_SKIP() << "no Linux sandbox on this machine";
  KillAndCount("linux", kSanitized ? 5 : 20, kSanitized ? 20 : 200);
}

}  // namespace
}  // namespace nanogrid
