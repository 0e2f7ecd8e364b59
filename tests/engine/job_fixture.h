// A controller and workers on a fake sandbox and stores in memory, for tests.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine_fixture.h"
#include "nanogrid/controller.h"
#include "nanogrid/testing/fake_clock.h"
#include "nanogrid/worker.h"

namespace nanogrid {

// Passes calls on, unless the test says otherwise.
class FaultyJobStore final : public JobStore {
 public:
  explicit FaultyJobStore(std::shared_ptr<JobStore> store) : store_(std::move(store)) {}

  // Called before every Get, Transition, Extend and AppendLog, by name; not OK: answered instead.
  // And as "after Transition".
  void SetFault(std::function<Status(std::string_view call)> fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }

  Result<Job> Create(const Context& context, const Job& job) override {
    return store_->Create(context, job);
  }
  Result<Job> Get(const Context& context, std::string_view id) override {
    if (Status fault = Fault("Get"); !fault.ok()) return fault;
    return store_->Get(context, id);
  }
  Result<JobPage> List(const Context& context, const JobFilter& filter, std::string_view cursor,
                       size_t limit) override {
    return store_->List(context, filter, cursor, limit);
  }
  Result<Job> Transition(const Context& context, const JobLease& expected, JobState state,
                         const Job& next) override {
    if (Status fault = Fault("Transition"); !fault.ok()) return fault;
    Result<Job> made = store_->Transition(context, expected, state, next);
    Fault("after Transition").IgnoreError();
    return made;
  }
  Result<std::vector<JobLease>> Extend(const Context& context, std::span<const JobLease> leases,
                                       SystemTime due) override {
    if (Status fault = Fault("Extend"); !fault.ok()) return fault;
    return store_->Extend(context, leases, due);
  }
  Result<std::vector<Job>> Due(const Context& context, SystemTime now, size_t limit) override {
    return store_->Due(context, now, limit);
  }
  Status Remove(const Context& context, std::string_view id) override {
    return store_->Remove(context, id);
  }
  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    return store_->Events(context, job_id, cursor, limit);
  }
  Result<std::string> EventsEnd(const Context& context) override {
    return store_->EventsEnd(context);
  }
  Status AppendLog(const Context& context, const JobLease& lease, std::string_view bytes) override {
    if (Status fault = Fault("AppendLog"); !fault.ok()) return fault;
    return store_->AppendLog(context, lease, bytes);
  }
  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    return store_->ReadLog(context, id, offset, max_bytes);
  }
  Result<std::vector<uint64_t>> Count(const Context& context) override {
    return store_->Count(context);
  }

 private:
  Status Fault(std::string_view call) {
    std::function<Status(std::string_view)> fault;
    {
      const std::lock_guard lock(mutex_);
      fault = fault_;
    }
    return fault ? fault(call) : absl::OkStatus();
  }

  const std::shared_ptr<JobStore> store_;
  std::mutex mutex_;
  std::function<Status(std::string_view)> fault_;
};

class StringSink final : public Sink {
 public:
  Status Write(std::string_view bytes) override {
    text += bytes;
    return absl::OkStatus();
  }
  std::string text;
};

class JobTest : public EngineTest {
 protected:
  JobTest() {
    objects_ = MakeMemoryObjectStore(fake_clock_);
    parts_.objects = objects_;
  }
  ~JobTest() override {
    workers_.clear();
    controller_.reset();
  }

  // Made at the first use, so that a test can change the options before.
  Controller& controller() {
    if (controller_ == nullptr) {
      auto made = MakeController({.engine = shared_engine(),
                                  .queue = queue_,
                                  .jobs = faulty_,
                                  .objects = objects_,
                                  .options = controller_options_,
                                  .clock = &fake_clock_});
      EXPECT_THAT(made, IsOk());
      controller_ = *std::move(made);
    }
    return *controller_;
  }
  Worker& StartWorker(WorkerOptions options = {.slots = 2}) {
    return StartWorker(std::move(options), shared_engine(), faulty_);
  }
  Worker& StartWorker(WorkerOptions options, std::shared_ptr<Engine> engine,
                      std::shared_ptr<JobStore> jobs) {
    auto made = MakeWorker(PartsOfWorker(std::move(options), std::move(engine), std::move(jobs)));
    EXPECT_THAT(made, IsOk());
    workers_.push_back(*std::move(made));
    return *workers_.back();
  }
  WorkerParts PartsOfWorker(WorkerOptions options, std::shared_ptr<Engine> engine,
                            std::shared_ptr<JobStore> jobs) {
    return {.engine = std::move(engine),
            .queue = queue_,
            .jobs = std::move(jobs),
            .objects = objects_,
            .dead_letters = dead_letters_,
            .foreign_code = foreign_code_,
            .options = std::move(options),
            .clock = &fake_clock_};
  }
  std::shared_ptr<Engine> shared_engine() { return {std::shared_ptr<void>(), &engine()}; }

  Job Submit(const SubmitRequest& request = {.function = "f", .event = "1"}) {
    auto job = controller().Submit({}, request);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : Job{};
  }
  Job Await(std::string_view id) {
    auto job = controller().Await({}, id);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : Job{};
  }
  // Waits for the job's end; time goes by while nobody runs it.
  Job AwaitInTime(std::string_view id) {
    while (true) {
      Job job = *jobs_->Get({}, id);
      if (IsTerminal(job.state)) return job;
      if (job.state == JobState::kPending) fake_clock_.Advance(std::chrono::milliseconds(50));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void SendBody(const std::string& body) {
    const Message messages[] = {{.body = body}};
    EXPECT_THAT(queue_->Send({}, messages), IsOk());
  }
  // Waits until every message was acknowledged.
  void AwaitEmptyQueue() {
    for (QueueDepth depth = *queue_->Depth({}); depth.visible + depth.leased > 0;
         depth = *queue_->Depth({})) {
      std::this_thread::yield();
    }
  }
  // Waits until the job's latest event fits, and answers the job.
  Job AwaitState(std::string_view id, JobState state, uint32_t attempt) {
    std::string cursor;
    while (true) {
      const auto events = jobs_->Events({}, id, cursor, 1);
      if (!events.ok() || events->empty()) return {};
      cursor = events->back().cursor;
      if (events->back().state == state && events->back().attempt == attempt) {
        return *jobs_->Get({}, id);
      }
    }
  }
  std::vector<JobEvent> EventsOf(std::string_view id) { return *jobs_->Events({}, id, "", 1000); }
  std::vector<JobState> StatesOf(std::string_view id) {
    std::vector<JobState> states;
    for (const JobEvent& event : EventsOf(id)) states.push_back(event.state);
    return states;
  }
  std::string LogOf(std::string_view id) { return controller().ReadLog({}, id, 0)->bytes; }
  std::string ResultOf(std::string_view id) {
    StringSink sink;
    EXPECT_THAT(controller().ReadResult({}, id, sink), IsOk());
    return sink.text;
  }
  // Every event of the job is there once, and only the last one is an end.
  void ExpectOneEnd(std::string_view id) {
    uint32_t revision = 0;
    int ends = 0;
    for (const JobEvent& event : EventsOf(id)) {
      EXPECT_EQ(event.revision, ++revision);
      EXPECT_EQ(ends, 0) << "after the end";
      if (IsTerminal(event.state)) ++ends;
    }
    EXPECT_EQ(ends, 1);
  }

  FakeClock fake_clock_;
  std::shared_ptr<Queue> queue_ = MakeMemoryQueue(fake_clock_);
  std::shared_ptr<JobStore> jobs_ = MakeMemoryJobStore(fake_clock_);
  std::shared_ptr<Queue> dead_letters_;
  std::shared_ptr<ObjectStore> foreign_code_;
  std::shared_ptr<FaultyJobStore> faulty_ = std::make_shared<FaultyJobStore>(jobs_);
  ControllerOptions controller_options_{.sweep_every = std::chrono::milliseconds(5),
                                        .clock_tolerance = {}};
  std::unique_ptr<Controller> controller_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace nanogrid
