// The number of workers follows the policy; one of several autoscalers acts.
#include "nanogrid/autoscaler.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "engine/leadership.h"
#include "engine/service_time.h"
#include "engine/status_matchers.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

class FakeGroup final : public WorkerGroup {
 public:
  Result<uint32_t> Size(const Context&) override {
    const std::lock_guard lock(mutex_);
    return size_;
  }
  Status Resize(const Context&, uint32_t size, const std::set<std::string>& busy) override {
    const std::lock_guard lock(mutex_);
    size_ = size;
    busy_ = busy;
    ++resizes_;
    return absl::OkStatus();
  }
  uint32_t size() const { return Locked(size_); }
  int resizes() const { return Locked(resizes_); }
  std::set<std::string> busy() const { return Locked(busy_); }

 private:
  template <typename Value>
  Value Locked(const Value& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_;
  uint32_t size_ = 2;
  int resizes_ = 0;
  std::set<std::string> busy_;
};

class Autoscalers : public testing::Test {
 protected:
  AutoscalerParts Parts() {
    return {.queue = queue_,
            .jobs = jobs_,
            .policy = *MakeStepScaling({.bounds = {.cooldown = 300s}}),
            .group = group_,
            .options = {.every = 5ms},
            .clock = &clock_};
  }
  void SendMessages(int count) {
    for (int i = 0; i < count; ++i) {
      const Message messages[] = {{.body = "x"}};
      ASSERT_THAT(queue_->Send({}, messages), IsOk());
    }
  }
  Job Start(const std::string& id, const std::string& worker) {
    Job job{.id = id, .function = "f", .version = 1, .created = clock_.WallNow()};
    EXPECT_THAT(jobs_->Create({}, job), IsOk());
    Job running = *jobs_->Get({}, id);
    running.state = JobState::kProcessing;
    running.attempt = 1;
    running.worker = worker;
    running.started = clock_.WallNow();
    running.due = clock_.WallNow() + 1h;
    return *jobs_->Transition({}, {id, 0}, JobState::kPending, running);
  }
  void End(const Job& running) {
    Job next = running;
    next.state = JobState::kSuccess;
    next.finished = clock_.WallNow();
    next.due = next.finished + 24h;
    next.outcome = Outcome{.result = "1"};
    next.result_size = 1;
    ASSERT_THAT(jobs_->Transition({}, {next.id, 1}, JobState::kProcessing, next), IsOk());
  }

  FakeClock clock_;
  std::shared_ptr<Queue> queue_ = MakeMemoryQueue(clock_);
  std::shared_ptr<JobStore> jobs_ = MakeMemoryJobStore(clock_);
  std::shared_ptr<ObjectStore> objects_ = MakeMemoryObjectStore(clock_);
  std::shared_ptr<FakeGroup> group_ = std::make_shared<FakeGroup>();
};

TEST_F(Autoscalers, AddOneWorkerAtATimeWhileTheBacklogIsLong) {
  SendMessages(10);
  const auto scaler = MakeAutoscaler(Parts());
  ASSERT_THAT(scaler, IsOk());
  while (group_->size() < 3) std::this_thread::yield();
  while ((*scaler)->Latest().decision.reason != "cooling down after the last change") {
    std::this_thread::yield();
  }
  EXPECT_EQ(group_->size(), 3u);
  clock_.Advance(301s);
  while (group_->size() < 4) std::this_thread::yield();
}

TEST_F(Autoscalers, LetOneGoWhenTheBacklogHasBeenEmptyAndSayWhoIsBusy) {
  ASSERT_THAT(group_->Resize({}, 4, {}), IsOk());
  const Job running = Start("00000000-0000-4000-8000-000000000001", "w3");
  const auto scaler = MakeAutoscaler(Parts());
  while ((*scaler)->Latest().busy_workers != 1) std::this_thread::yield();
  EXPECT_EQ(group_->size(), 4u);
  clock_.Advance(181s);
  while (group_->size() == 4) std::this_thread::yield();
  EXPECT_EQ(group_->size(), 3u);
  EXPECT_EQ(group_->busy(), std::set<std::string>{"w3"});
}

TEST_F(Autoscalers, OfOneFleetAgreeOnWhoActs) {
  SendMessages(10);
  std::vector<std::unique_ptr<Autoscaler>> scalers;
  for (int i = 0; i < 3; ++i) {
    AutoscalerParts parts = Parts();
    parts.objects = objects_;
    scalers.push_back(*MakeAutoscaler(std::move(parts)));
  }
  while (group_->size() < 3) {  // long before the cooldown is over
    clock_.Advance(10ms);
    std::this_thread::sleep_for(200us);
  }
  const auto leaders = [&] {
    return std::count_if(scalers.begin(), scalers.end(),
                         [](const auto& scaler) { return scaler->Latest().leads; });
  };
  while (leaders() != 1) std::this_thread::yield();
  EXPECT_EQ(group_->size(), 3u);
  EXPECT_EQ(group_->resizes(), 1);
}

TEST_F(Autoscalers, MissingPartsAreNamed) {
  AutoscalerParts parts = Parts();
  parts.group = nullptr;
  EXPECT_THAT(MakeAutoscaler(parts), FailsWith(kInvalidArgument, "AutoscalerParts.group"));
  parts = Parts();
  parts.options.slots = 0;
  EXPECT_THAT(MakeAutoscaler(parts), FailsWith(kInvalidArgument, "slots"));
}

TEST_F(Autoscalers, KnowHowLongJobsTake) {
  ServiceTime time;
  EXPECT_EQ(time.mean(), Duration(0));
  ASSERT_THAT(time.Update({}, *jobs_), IsOk());
  const Job first = Start("00000000-0000-4000-8000-000000000001", "w");
  clock_.Advance(4s);
  End(first);
  ASSERT_THAT(time.Update({}, *jobs_), IsOk());
  EXPECT_EQ(time.mean(), 4s);
  const Job second = Start("00000000-0000-4000-8000-000000000002", "w");
  ASSERT_THAT(time.Update({}, *jobs_), IsOk());
  clock_.Advance(20s);
  End(second);
  ASSERT_THAT(time.Update({}, *jobs_), IsOk());
  EXPECT_EQ(time.mean(), 5s) << "a sixteenth of the way";
}

TEST(Leaders, StayInOfficeAndAreReplacedWhenTheyAreGone) {
  const FakeClock clock;
  const std::shared_ptr<ObjectStore> objects = MakeMemoryObjectStore(clock);
  Leadership first(objects, "t.", 30s);
  Leadership second(objects, "t.", 30s);
  const SystemTime start{3000s};
  EXPECT_FALSE(*first.Leads({}, start)) << "perhaps somebody leads already";
  EXPECT_TRUE(*first.Leads({}, start + 10s));
  EXPECT_FALSE(*second.Leads({}, start + 10s));
  for (int term = 1; term < 10; ++term) {
    EXPECT_FALSE(*second.Leads({}, start + term * 30s)) << "it waits";
    EXPECT_TRUE(*first.Leads({}, start + term * 30s + 1s));
    EXPECT_FALSE(*second.Leads({}, start + term * 30s + 29s));
  }
  EXPECT_FALSE(*second.Leads({}, start + 300s + 9s));
  EXPECT_TRUE(*second.Leads({}, start + 300s + 10s));
  EXPECT_FALSE(*first.Leads({}, start + 300s + 11s));
  EXPECT_EQ(objects->List({}, "t.")->objects.size(), 2u) << "old terms are forgotten";
}

}  // namespace
}  // namespace nanogrid
