#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "engine/status_matchers.h"
#include "fleet/backlog_gate.h"
#include "fleet/fleet_health.h"
#include "fleet/health_probes.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

using absl::StatusCode;
using namespace std::chrono_literals;

// Counts what is pending as the test says, and takes every job.
class CountingController final : public Controller {
 public:
  Result<Job> Submit(const Context&, const SubmitRequest& request) override {
    if (request.function == "unknown") return absl::NotFoundError("unknown");
    ++submitted;
    return Job{};
  }
  Result<Job> Retry(const Context&, std::string_view) override { return Job{}; }
  Result<std::vector<uint64_t>> CountJobs(const Context&) override {
    ++counted;
    if (broken) return absl::UnavailableError("gone");
    return std::vector<uint64_t>{pending, 0, 0, 0, 0};
  }
  Result<Job> GetJob(const Context&, std::string_view) override { return Job{}; }
  Result<JobPage> ListJobs(const Context&, const JobFilter&, std::string_view, size_t) override {
    return JobPage{};
  }
  Result<Job> Await(const Context&, std::string_view) override { return Job{}; }
  Result<Job> Cancel(const Context&, std::string_view) override { return Job{}; }
  Status ReadResult(const Context&, std::string_view, Sink&) override { return absl::OkStatus(); }
  Result<ObjectPage> ListFiles(const Context&, std::string_view, std::string_view,
                               size_t) override {
    return ObjectPage{};
  }
  Status ReadFile(const Context&, std::string_view, std::string_view, Sink&) override {
    return absl::OkStatus();
  }
  Result<LogChunk> ReadLog(const Context&, std::string_view, uint64_t, size_t) override {
    return LogChunk{};
  }
  Result<std::vector<JobEvent>> Events(const Context&, std::string_view, std::string_view,
                                       size_t) override {
    return std::vector<JobEvent>();
  }
  Result<std::string> EventsEnd(const Context&) override { return std::string(); }
  std::unique_ptr<Subscription> Subscribe(std::string_view, EventCallback) override {
    return nullptr;
  }
  Engine& engine() override { std::abort(); }
  Result<QueueDepth> Depth(const Context&) override { return QueueDepth{}; }

  uint64_t pending = 0;
  bool broken = false;
  int counted = 0;
  int submitted = 0;
};

class BacklogGateTest : public testing::Test {
 protected:
  explicit BacklogGateTest(uint64_t max = 3) {
    auto controller = std::make_unique<CountingController>();
    below_ = controller.get();
    gate_ = std::make_unique<BacklogGate>(std::move(controller), max, clock_);
  }
  Status Submit(const std::string& function = "f") {
    return gate_->Submit({}, {.function = function}).status();
  }

  FakeClock clock_;
  CountingController* below_;
  std::unique_ptr<BacklogGate> gate_;
};

TEST_F(BacklogGateTest, StopsABurstBeforeTheJobsAreCountedAgain) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Submit(), IsOk());
  EXPECT_THAT(Submit(), FailsWith(StatusCode::kResourceExhausted, "3 jobs wait already"));
  EXPECT_THAT(gate_->Retry({}, "id"),
              FailsWith(StatusCode::kResourceExhausted, "max_backlog is 3"));
  EXPECT_EQ(below_->counted, 1);
  EXPECT_EQ(below_->submitted, 3);
  EXPECT_EQ(gate_->refused(), 2u);
}

TEST_F(BacklogGateTest, OpensWhenTheStoreCountsFewer) {
  below_->pending = 3;
  EXPECT_THAT(Submit(), FailsWith(StatusCode::kResourceExhausted, ""));
  below_->pending = 2;
  EXPECT_THAT(Submit(), FailsWith(StatusCode::kResourceExhausted, ""));
  clock_.Advance(1s);
  EXPECT_THAT(Submit(), IsOk());
  EXPECT_THAT(Submit(), FailsWith(StatusCode::kResourceExhausted, ""));
  EXPECT_EQ(below_->counted, 2);
}

TEST_F(BacklogGateTest, AJobThatWasNotTakenTakesNoPlace) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Submit("unknown"), FailsWith(StatusCode::kNotFound, ""));
  }
  EXPECT_THAT(Submit(), IsOk());
}

TEST_F(BacklogGateTest, WhileTheStoreCannotCountTheLastNumberStands) {
  below_->pending = 2;
  EXPECT_THAT(Submit(), IsOk());
  below_->broken = true;
  below_->pending = 0;
  clock_.Advance(1s);
  EXPECT_THAT(Submit(), FailsWith(StatusCode::kResourceExhausted, ""));
  below_->broken = false;
  clock_.Advance(1s);
  EXPECT_THAT(Submit(), IsOk());
}

class NoGateTest : public BacklogGateTest {
 protected:
  NoGateTest() : BacklogGateTest(0) {}
};

TEST_F(NoGateTest, ABoundOfZeroIsNone) {
  below_->pending = 1'000'000'000;
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Submit(), IsOk());
  EXPECT_EQ(below_->counted, 0);
}

// Remembers what it was told.
class Errors final : public Observer {
 public:
  void OnError(std::string_view where, const Status&) override {
    const std::lock_guard lock(mutex);
    told.emplace_back(where);
  }
  std::mutex mutex;
  std::vector<std::string> told;
};

TEST(HealthProbesTest, TellWhatEachPartAnswersAndRememberItForASecond) {
  FakeClock clock;
  Errors errors;
  std::atomic<int> asked = 0;
  std::atomic<bool> broken = false;
  HealthProbes health({{"good", [](const Context&) { return absl::OkStatus(); }},
                       {"other",
                        [&](const Context&) {
                          ++asked;
                          return broken ? absl::UnavailableError("gone") : absl::OkStatus();
                        }}},
                      {.clock = &clock, .observer = &errors});
  EXPECT_TRUE(health.Last().empty());
  std::vector<Dependency> found = health.Check();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "good");
  EXPECT_THAT(found[1].status, IsOk());
  broken = true;
  EXPECT_THAT(health.Check()[1].status, IsOk());
  EXPECT_EQ(asked, 1);
  clock.Advance(1s);
  EXPECT_THAT(health.Check()[1].status, FailsWith(StatusCode::kUnavailable, "gone"));
  EXPECT_THAT(health.Check()[0].status, IsOk());
  EXPECT_THAT(health.Last()[1].status, FailsWith(StatusCode::kUnavailable, "gone"));
  clock.Advance(1s);
  health.Check();
  EXPECT_EQ(errors.told, std::vector<std::string>{"health of other"});
  health.SetEnding();
  EXPECT_EQ(health.Check().back().name, "process");
}

TEST(HealthProbesTest, APartThatDoesNotComeBackIsDownAndHoldsUpNobody) {
  FakeClock clock;
  std::mutex mutex;
  std::condition_variable changed;
  bool go = false;
  HealthProbes health({{"deaf",
                        [&](const Context&) {
                          std::unique_lock lock(mutex);
                          changed.wait(lock, [&] { return go; });
                          return absl::OkStatus();
                        }},
                       {"good", [](const Context&) { return absl::OkStatus(); }}},
                      {.timeout = 20ms, .clock = &clock});
  for (int i = 0; i < 2; ++i) {
    const std::vector<Dependency> found = health.Check();
    EXPECT_THAT(found[0].status, FailsWith(StatusCode::kDeadlineExceeded, "no answer within 20ms"));
    EXPECT_THAT(found[1].status, IsOk());
    clock.Advance(1s);
  }
  {
    const std::lock_guard lock(mutex);
    go = true;
  }
  changed.notify_all();
  while (!health.Check()[0].status.ok()) clock.Advance(1s);
}

// A bucket whose owner may read and write objects and not list them.
class NoListing final : public ObjectStore {
 public:
  Status Read(const Context&, std::string_view, Sink&) override { return absl::OkStatus(); }
  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    ++writes;
    if (read_only) return absl::PermissionDeniedError("403");
    return objects_->Write(context, key, source, options);
  }
  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    Result<ObjectInfo> found = objects_->Stat(context, key);
    if (found.ok()) return found;
    return absl::PermissionDeniedError("403");
  }
  Status Remove(const Context&, std::string_view) override { return absl::OkStatus(); }
  Result<ObjectPage> List(const Context&, std::string_view, std::string_view, size_t) override {
    return absl::PermissionDeniedError("403");
  }

  int writes = 0;
  bool read_only = false;

 private:
  std::unique_ptr<ObjectStore> objects_ = MakeMemoryObjectStore();
};

TEST(FleetProbesTest, AsksEveryPartAndTakesAMissingThingForAnAnswer) {
  FleetParts parts{.queue = MakeMemoryQueue(),
                   .jobs = MakeMemoryJobStore(),
                   .catalog = MakeMemoryFunctionCatalog(),
                   .objects = MakeMemoryObjectStore(),
                   .user_data = MakeMemoryObjectStore()};
  std::vector<std::string> names;
  for (const Probe& probe : FleetProbes(parts)) {
    EXPECT_THAT(probe.ask({}), IsOk()) << probe.name;
    names.push_back(probe.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"queue", "jobs", "catalog", "objects", "user_data"}));
}

TEST(FleetProbesTest, ABucketThatMayNotBeListedIsAskedForAnObjectThatIsThere) {
  const auto bucket = std::make_shared<NoListing>();
  FleetParts parts{.queue = MakeMemoryQueue(),
                   .jobs = MakeMemoryJobStore(),
                   .catalog = MakeMemoryFunctionCatalog(),
                   .objects = bucket};
  const Probe probe = FleetProbes(parts).back();
  EXPECT_THAT(probe.ask({}), IsOk());
  EXPECT_THAT(probe.ask({}), IsOk());
  EXPECT_EQ(bucket->writes, 1);
  const auto closed = std::make_shared<NoListing>();
  closed->read_only = true;
  parts.objects = closed;
  EXPECT_THAT(FleetProbes(parts).back().ask({}), FailsWith(StatusCode::kPermissionDenied, ""));
}

}  // namespace
}  // namespace nanogrid
