// What callers can rely on, whoever runs the jobs.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "engine/forwarding_queue.h"
#include "engine/job_fixture.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

class Controllers : public JobTest {
 protected:
  Controllers() { Register(Spec("f")); }
};

TEST_F(Controllers, AJobGoesFromPendingToSuccess) {
  const Job job = Submit({.function = "f", .event = R"({"n": 1})"});
  EXPECT_EQ(job.state, JobState::kPending);
  EXPECT_EQ(job.version, 1u);
  StartWorker({.name = "w", .slots = 2});
  const Job done = Await(job.id);
  EXPECT_EQ(done.state, JobState::kSuccess);
  EXPECT_EQ(done.attempt, 1u);
  EXPECT_EQ(done.worker, "w");
  EXPECT_EQ(ResultOf(job.id), R"({"n": 1})");
  EXPECT_EQ(StatesOf(job.id),
            (std::vector{JobState::kPending, JobState::kProcessing, JobState::kSuccess}));
}

TEST_F(Controllers, AJobRunsTheVersionThatWasMeantWhenItWasSubmitted) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    return Returned(std::to_string(call.package.version));
  };
  const Job job = Submit();
  Register(Spec("f", "another"));
  StartWorker();
  Await(job.id);
  EXPECT_EQ(ResultOf(job.id), "1");
}

TEST_F(Controllers, AJobIsTriedAsItsFunctionSaysUnlessItSaysOtherwise) {
  FunctionSpec spec = Spec("g");
  spec.retry = {.max_attempts = 4, .backoff = 2s, .max_backoff = 1min, .max_age = 1h};
  Register(spec);
  EXPECT_EQ(controller().Submit({}, {.function = "g"})->retry, spec.retry);
  const Job other = *controller().Submit({}, {.function = "g", .retry = {.max_attempts = 1}});
  EXPECT_EQ(other.retry,
            (RetryPolicy{.max_attempts = 1, .backoff = 2s, .max_backoff = 1min, .max_age = 1h}));
  EXPECT_THAT(controller().Submit({}, {.function = "g", .delay = 2h}),
              FailsWith(kInvalidArgument, "max_age"));
  EXPECT_EQ(controller().Submit({}, {.function = "f"})->retry, RetryPolicy{});
}

TEST_F(Controllers, AnIdempotencyKeyMeansTheSameJobAlsoWhenItsFunctionIsTriedOtherwiseNow) {
  FunctionSpec spec = Spec("g");
  Register(spec);
  const SubmitRequest request{
      .function = "g", .idempotency_key = "k", .retry = {.max_attempts = 2}};
  const Job first = *controller().Submit({}, request);
  spec.retry.backoff = 7s;
  Register(spec);
  const Result<Job> again = controller().Submit({}, request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->id, first.id);
  SubmitRequest other = request;
  other.retry.max_attempts = 3;
  EXPECT_THAT(controller().Submit({}, other), FailsWith(kAlreadyExists, ""));
}

TEST_F(Controllers, WhatCannotRunIsRefusedAtOnce) {
  const auto submit = [this](const SubmitRequest& request) {
    return controller().Submit({}, request);
  };
  EXPECT_THAT(submit({.function = "g"}), FailsWith(kNotFound, "g"));
  EXPECT_THAT(submit({.function = "f", .event = "{"}), FailsWith(kInvalidArgument, "event"));
  EXPECT_THAT(submit({.function = "f", .delay = -1s}), FailsWith(kInvalidArgument, "delay"));
  EXPECT_THAT(submit({.function = "f", .delay = 24h * 366}), FailsWith(kInvalidArgument, "delay"));
  EXPECT_THAT(submit({.function = "f", .delay = 2h, .retry = {.max_age = 1h}}),
              FailsWith(kInvalidArgument, "max_age"));
  EXPECT_THAT(submit({.function = "f", .retry = {.max_attempts = 0}}),
              FailsWith(kInvalidArgument, "max_attempts"));
  EXPECT_THAT(submit({.function = "f", .idempotency_key = std::string(257, 'k')}),
              FailsWith(kInvalidArgument, "idempotency_key"));
  EXPECT_TRUE(controller().ListJobs({}, {})->jobs.empty());
}

TEST_F(Controllers, EventsThatAreTooLargeAreRefused) {
  controller_options_.max_event = 3;
  EXPECT_THAT(controller().Submit({}, {.function = "f", .event = "1234"}),
              FailsWith(kInvalidArgument, "the limit is 3"));
}

TEST_F(Controllers, TheSameIdempotencyKeyIsTheSameJob) {
  const std::string large = '"' + std::string(2 * JobStore::kMaxInline, 'x') + '"';
  for (const std::string& event : {std::string("1"), large}) {
    SubmitRequest request{.function = "f", .event = event, .idempotency_key = event.substr(0, 8)};
    const Job job = Submit(request);
    EXPECT_EQ(Submit(request).id, job.id);
    Register(Spec("f", "changed since " + event));  // $LATEST means another version now
    EXPECT_EQ(Submit(request).id, job.id);
    const size_t objects = CountObjects("jobs/");
    request.event = event == large ? large + " " : "2";
    EXPECT_THAT(controller().Submit({}, request), FailsWith(kAlreadyExists, ""));
    EXPECT_EQ(CountObjects("jobs/"), objects) << "nothing is left of what was refused";
  }
  EXPECT_EQ(controller().ListJobs({}, {})->jobs.size(), 2u);
}

TEST_F(Controllers, ConcurrentSubmitsWithOneKeyMakeOneJob) {
  controller();
  std::vector<std::future<Job>> submits;
  for (int i = 0; i < 8; ++i) {
    submits.push_back(std::async(
        std::launch::async, [this] { return Submit({.function = "f", .idempotency_key = "k"}); }));
  }
  std::set<std::string> ids;
  for (auto& submit : submits) ids.insert(submit.get().id);
  EXPECT_EQ(ids.size(), 1u);
}

TEST_F(Controllers, LargeEventsAndResultsGoThroughTheObjectStore) {
  const std::string event = '"' + std::string(3 << 20, 'x') + '"';
  const Job job = Submit({.function = "f", .event = event});
  EXPECT_TRUE(job.event.empty());
  EXPECT_EQ(CountObjects("jobs/"), 1u);
  StartWorker();
  const Job done = Await(job.id);
  EXPECT_EQ(done.state, JobState::kSuccess);
  EXPECT_EQ(done.result_size, event.size());
  EXPECT_TRUE(done.outcome->result.empty());
  EXPECT_EQ(ResultOf(job.id), event);
  EXPECT_EQ(CountObjects("jobs/"), 2u);
}

TEST_F(Controllers, EverythingExpiresTogether) {
  controller_options_.retention = 1h;
  const std::string event = '"' + std::string(2 * JobStore::kMaxInline, 'x') + '"';
  const Job job = Submit({.function = "f", .event = event});
  StartWorker({.slots = 1, .retention = 1h});
  Await(job.id);
  fake_clock_.Advance(1h);
  while (controller().GetJob({}, job.id).ok()) std::this_thread::yield();
  EXPECT_EQ(CountObjects("jobs/"), 0u);
  EXPECT_EQ(*controller().CountJobs({}), std::vector<uint64_t>(5, 0));
}

TEST_F(Controllers, ADelayedJobDoesNotStartBefore) {
  for (const Duration delay : {Duration(1min), Duration(20h)}) {  // queues can do 15 min
    const Job job = Submit({.function = "f", .delay = delay});
    StartWorker();
    fake_clock_.Advance(delay - 1s);
    const Job other = Submit();
    Await(other.id);
    EXPECT_EQ(controller().GetJob({}, job.id)->state, JobState::kPending);
    const Job done = AwaitInTime(job.id);
    EXPECT_EQ(done.state, JobState::kSuccess);
    EXPECT_GE(done.started, done.not_before);
  }
}

TEST_F(Controllers, APendingJobThatWasCancelledNeverStarts) {
  const Job job = Submit();
  const auto cancelled = controller().Cancel({}, job.id);
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state, JobState::kCancelled);
  EXPECT_EQ(cancelled->outcome->ending, Ending::kCancelled);
  StartWorker({.slots = 1});
  Await(Submit().id);
  EXPECT_EQ(StatesOf(job.id), (std::vector{JobState::kPending, JobState::kCancelled}));
}

TEST_F(Controllers, ARunningJobThatIsCancelledDies) {
  Event running;
  Event killed;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    running.Set();
    EXPECT_FALSE(Event().Wait(call.context));
    killed.Set();
    return EndedBy(call.context);
  };
  const Job job = Submit();
  StartWorker();
  running.Wait();
  EXPECT_EQ(controller().Cancel({}, job.id)->state, JobState::kCancelled);
  killed.Wait();
  EXPECT_EQ(Await(job.id).outcome->error->message, "cancelled while it ran");
  workers_.clear();
  ExpectOneEnd(job.id);
}

TEST_F(Controllers, CancellingWhatHasEndedChangesNothing) {
  const Job job = Submit();
  StartWorker();
  const Job done = Await(job.id);
  const auto cancelled = controller().Cancel({}, job.id);
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state, JobState::kSuccess);
  EXPECT_EQ(cancelled->revision, done.revision);
  EXPECT_THAT(controller().Cancel({}, "00000000-0000-4000-8000-000000000000"),
              FailsWith(kNotFound, "00000000"));
}

TEST_F(Controllers, CancelAndEndAtTheSameTimeAgreeOnOneEnd) {
  StartWorker({.slots = 4});
  for (int i = 0; i < 200; ++i) {
    const Job job = Submit();
    const auto cancelled = controller().Cancel({}, job.id);
    ASSERT_THAT(cancelled, IsOk());
    EXPECT_EQ(Await(job.id).state, cancelled->state);
    ExpectOneEnd(job.id);
  }
}

TEST_F(Controllers, AJobThatHasEndedCanBeSentAgain) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    if (call.instance == 1) return Outcome{.ending = Ending::kExited, .exit_code = 1};
    return Returned(std::to_string(call.invocation.event.size()));
  };
  const std::string event = '"' + std::string(2 * JobStore::kMaxInline, 'x') + '"';
  const Job job = Submit({.function = "f", .event = event, .idempotency_key = "k"});
  EXPECT_THAT(controller().Retry({}, job.id), FailsWith(kFailedPrecondition, "PENDING"));
  StartWorker();
  EXPECT_EQ(Await(job.id).dead_letter, "failed in attempt 1 of 1");
  const auto again = controller().Retry({}, job.id);
  ASSERT_THAT(again, IsOk());
  EXPECT_NE(again->id, job.id);
  EXPECT_EQ(again->retry_of, job.id);
  EXPECT_EQ(Await(again->id).state, JobState::kSuccess);
  EXPECT_EQ(ResultOf(again->id), std::to_string(event.size()));
}

TEST_F(Controllers, OnlyASuccessHasAResult) {
  const Job job = Submit();
  StringSink sink;
  EXPECT_THAT(controller().ReadResult({}, job.id, sink), FailsWith(kFailedPrecondition, "PENDING"));
}

TEST_F(Controllers, AwaitEndsWithItsContext) {
  const Job job = Submit();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(controller().Await(Context::WithStop(stop.get_token()), job.id),
              FailsWith(kCancelled, ""));
  EXPECT_THAT(controller().Await({.deadline = fake_clock_.Now()}, job.id),
              FailsWith(kDeadlineExceeded, ""));
}

TEST_F(Controllers, ASubscriberHearsEveryEventInOrder) {
  std::mutex mutex;
  std::vector<JobEvent> heard;
  Event ended;
  const auto all = controller().Subscribe("", [&](const JobEvent& event) {
    const std::lock_guard lock(mutex);
    heard.push_back(event);
    if (IsTerminal(event.state)) ended.Set();
  });
  const Job job = Submit();
  StartWorker();
  ended.Wait();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(heard, EventsOf(job.id));
}

TEST_F(Controllers, ASubscriptionCanEndInItsOwnCall) {
  std::unique_ptr<Controller::Subscription> subscription;
  Event called;
  std::atomic<int> calls = 0;
  const Job job = Submit({.function = "f", .delay = 1h});
  std::mutex mutex;
  {
    const std::lock_guard lock(mutex);
    subscription = controller().Subscribe(job.id, [&](const JobEvent& event) {
      if (event.revision < 2) return;  // it may still hear of the beginning
      const std::lock_guard assigned(mutex);
      ++calls;
      subscription.reset();
      called.Set();
    });
  }
  controller().Cancel({}, job.id).IgnoreError();
  called.Wait();
  EXPECT_EQ(calls, 1);
}

TEST_F(Controllers, NoCallIsInProgressOnceASubscriptionIsGone) {
  std::atomic<bool> gone = false;
  std::atomic<bool> late = false;
  for (int i = 0; i < 50; ++i) {
    gone = false;
    auto subscription = controller().Subscribe("", [&](const JobEvent&) {
      if (gone) late = true;
    });
    Submit({.function = "f", .delay = 1h});
    subscription.reset();
    gone = true;
  }
  EXPECT_FALSE(late);
}

TEST_F(Controllers, TenThousandCanWait) {
  const Job job = Submit();
  std::atomic<int> heard = 0;
  Event all_heard;
  std::vector<std::unique_ptr<Controller::Subscription>> waiting;
  constexpr int kWaiting = 10'000;
  for (int i = 0; i < kWaiting; ++i) {
    waiting.push_back(controller().Subscribe(job.id, [&](const JobEvent& event) {
      if (event.state == JobState::kCancelled && ++heard == kWaiting) all_heard.Set();
    }));
  }
  controller().Cancel({}, job.id).IgnoreError();
  all_heard.Wait();
  EXPECT_EQ(heard, kWaiting);
}

TEST_F(Controllers, AJobThatWasNeverSentIsFoundByTheNextController) {
  // As if a controller had died between recording a job and sending it.
  const Job job{.id = "00000000-0000-4000-8000-000000000001",
                .function = "f",
                .version = 1,
                .event = "1",
                .due = fake_clock_.WallNow() + 1h};
  ASSERT_THAT(jobs_->Create({}, job), IsOk());
  fake_clock_.Advance(1ms);
  StartWorker();
  EXPECT_EQ(Await(job.id).state, JobState::kSuccess);
}

TEST_F(Controllers, AMessageThatWasLostIsSentAgain) {
  controller();
  const Job job = Submit();
  const auto lost = queue_->Receive({}, {});  // and never come back to
  ASSERT_EQ(lost->size(), 1u);
  const Receipt receipt[] = {lost->front().receipt};
  ASSERT_THAT(queue_->Ack({}, receipt), IsOk());
  StartWorker();
  fake_clock_.Advance(1min);
  EXPECT_EQ(Await(job.id).state, JobState::kSuccess);
}

// As a FIFO queue of SQS.
class UndelayedQueue final : public ForwardingQueue {
 public:
  using ForwardingQueue::ForwardingQueue;
  Result<std::vector<std::string>> Send(const Context& context,
                                        std::span<const Message> messages) override {
    for (const Message& message : messages) {
      if (message.delay > Duration(0)) return absl::UnimplementedError("delay");
    }
    return ForwardingQueue::Send(context, messages);
  }
};

TEST_F(Controllers, WhereTheQueueDelaysNothingADelayedJobHoldsUpNobody) {
  queue_ = std::make_shared<UndelayedQueue>(queue_);
  StartWorker();
  const Job later = Submit({.function = "f", .delay = 5min});
  EXPECT_EQ(Await(Submit().id).state, JobState::kSuccess);
  fake_clock_.Advance(4min);
  EXPECT_EQ(controller().GetJob({}, later.id)->state, JobState::kPending);
  fake_clock_.Advance(2min);
  EXPECT_EQ(Await(later.id).state, JobState::kSuccess);
}

TEST_F(Controllers, TwoControllersSeeTheSameAndSendAJobOnce) {
  const Job job = Submit({.function = "f", .delay = 20h});
  auto other = MakeController({.engine = shared_engine(),
                               .queue = queue_,
                               .jobs = jobs_,
                               .objects = objects_,
                               .options = controller_options_,
                               .clock = &fake_clock_});
  ASSERT_THAT(other, IsOk());
  fake_clock_.Advance(20h);
  AwaitState(job.id, JobState::kPending, 0);
  while (queue_->Depth({})->visible == 0) std::this_thread::yield();
  EXPECT_EQ((*other)->GetJob({}, job.id)->revision, 2u);
  EXPECT_EQ(queue_->Depth({})->visible, 1u);
}

TEST_F(Controllers, MissingPartsAreNamed) {
  EXPECT_THAT(MakeController({}), FailsWith(kInvalidArgument, "ControllerParts.engine"));
  EXPECT_THAT(MakeController({.engine = shared_engine(),
                              .queue = queue_,
                              .jobs = jobs_,
                              .objects = objects_,
                              .options = {.sweep_every = {}}}),
              FailsWith(kInvalidArgument, "sweep_every"));
}

}  // namespace
}  // namespace nanogrid
