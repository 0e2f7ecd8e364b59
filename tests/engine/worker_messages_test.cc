// What becomes of messages: dead letters, those of other programs, those held for very long, and
// those whose worker or record is gone.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "engine/forwarding_queue.h"
#include "engine/job_fixture.h"
#include "engine/job_message.h"
#include "engine/worker_job.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

constexpr char kId[] = "00000000-0000-4000-8000-000000000001";

class Messages : public JobTest {
 protected:
  Messages() { Register(Spec("f")); }

  void UseDeadLetters() { dead_letters_ = MakeMemoryQueue(fake_clock_); }
  std::string NextDeadLetter() {
    const auto deliveries = dead_letters_->Receive({}, {.max_messages = 1});
    EXPECT_THAT(deliveries, IsOk());
    return deliveries.ok() && !deliveries->empty() ? deliveries->front().body : "";
  }
  std::string Notice(const std::string& more) {
    return std::string(R"({"job_id": ")") + kId + "\", " + more + "}";
  }
};

TEST_F(Messages, OfJobsThatFailForGoodGoToTheDeadLetters) {
  UseDeadLetters();
  sandbox_->on_invoke = [](const FakeSandbox::Call&) -> Outcome {
    return {.ending = Ending::kException, .error = FunctionError{.type = "E", .message = "m"}};
  };
  StartWorker();
  const Job job = Submit({.function = "f", .event = "[7]"});
  const auto letter = ReadJobMessage(NextDeadLetter());
  ASSERT_THAT(letter, IsOk());
  EXPECT_EQ(letter->job_id, job.id);
  EXPECT_EQ(letter->job.event, "[7]");
  EXPECT_EQ(Await(job.id).state, JobState::kFailed);
  AwaitEmptyQueue();
  EXPECT_EQ(dead_letters_->Depth({})->visible, 0u) << "one letter, not two";
}

TEST_F(Messages, ThatMeanNothingGoToTheDeadLettersAsTheyAre) {
  UseDeadLetters();
  StartWorker();
  SendBody("hello");
  const std::string letter = NextDeadLetter();
  EXPECT_NE(letter.find(R"("message":"hello")"), std::string::npos) << letter;
  EXPECT_NE(letter.find("job_id"), std::string::npos) << letter;
  SendBody(R"({"job_id": "../../etc/passwd"})");
  EXPECT_NE(NextDeadLetter().find("passwd"), std::string::npos);
  AwaitEmptyQueue();
}

TEST_F(Messages, WhoseDeadLetterWasNotSentComeAgain) {
  UseDeadLetters();
  // As a worker that died between the record and the letter.
  const Job job = Submit();
  while (queue_->Depth({})->visible == 0) std::this_thread::yield();
  Job failed = *jobs_->Get({}, job.id);
  failed.state = JobState::kFailed;
  failed.finished = fake_clock_.WallNow();
  failed.due = failed.finished + 24h;
  failed.outcome = Outcome{.ending = Ending::kException, .error = FunctionError{.type = "E"}};
  failed.dead_letter = "because";
  ASSERT_THAT(jobs_->Transition({}, {job.id, 0}, JobState::kPending, failed), IsOk());
  StartWorker();
  EXPECT_NE(NextDeadLetter().find(R"("reason":"because")"), std::string::npos);
  AwaitEmptyQueue();
  EXPECT_EQ(sandbox_->starts(), 0);
}

TEST_F(Messages, OfOtherProgramsAreRun) {
  StartWorker();
  std::atomic<int> runs = 0;
  std::string event;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    event = call.invocation.event;
    ++runs;
    return Returned("1");
  };
  for (int i = 0; i < 3; ++i) {
    SendBody(Notice(R"("function_id": "f", "code": "1", "event": {"a": 1})"));
  }
  while (!jobs_->Get({}, kId).ok()) std::this_thread::yield();
  EXPECT_EQ(Await(kId).state, JobState::kSuccess);
  AwaitEmptyQueue();
  EXPECT_EQ(event, R"({"a":1})");
  EXPECT_EQ(runs, 1) << "one job, however often it is named";
}

TEST_F(Messages, OfOtherProgramsMayNameCodeInABucket) {
  foreign_code_ = MakeMemoryObjectStore(fake_clock_);
  ASSERT_THAT(WriteObject({}, *foreign_code_, "functions/new.fn", "print 1"), IsOk());
  StartWorker();
  SendBody(Notice(R"("function_id": "new", "code": "functions/new.fn")"));
  while (!jobs_->Get({}, kId).ok()) std::this_thread::yield();
  EXPECT_EQ(Await(kId).state, JobState::kSuccess);
  EXPECT_EQ(engine().Get({}, "new")->handler, "new.handler");
}

TEST_F(Messages, OfOtherProgramsAreTriedAsTheirFunctionSays) {
  FunctionSpec spec = Spec("g");
  spec.retry.max_attempts = 4;
  Register(spec);
  StartWorker();
  SendBody(Notice(R"("function_id": "g", "code": "whatever")"));
  while (!jobs_->Get({}, kId).ok()) std::this_thread::yield();
  EXPECT_EQ(Await(kId).retry, spec.retry);
}

TEST_F(Messages, OfFunctionsThatNobodyKnowsAreDeadLetters) {
  UseDeadLetters();
  StartWorker();
  SendBody(Notice(R"("function_id": "nobody", "code": "latest")"));
  EXPECT_NE(NextDeadLetter().find("nobody"), std::string::npos);
  SendBody(Notice(R"("function_id": "not a name", "code": "1")"));
  EXPECT_NE(NextDeadLetter().find("not a name"), std::string::npos);
  AwaitEmptyQueue();
}

TEST_F(Messages, BringBackJobsWhoseRecordsAreLost) {
  Job job = Submit({.function = "f", .event = "[1, 2]", .idempotency_key = "k"});
  while (queue_->Depth({})->visible == 0) std::this_thread::yield();
  controller_.reset();
  // A store that forgets what it acknowledged.
  jobs_ = MakeMemoryJobStore(fake_clock_);
  faulty_ = std::make_shared<FaultyJobStore>(jobs_);
  std::string event;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    event = call.invocation.event;
    return Returned("1");
  };
  StartWorker();
  while (!jobs_->Get({}, job.id).ok()) std::this_thread::yield();
  const Job done = Await(job.id);
  EXPECT_EQ(done.state, JobState::kSuccess);
  EXPECT_EQ(event, "[1, 2]");
  EXPECT_EQ(done.created, job.created);
  EXPECT_EQ(Submit({.function = "f", .event = "[1, 2]", .idempotency_key = "k"}).id, job.id);
}

TEST_F(Messages, OfJobsThatMayHaveExpiredAreNotRunAgain) {
  UseDeadLetters();
  SendBody(Notice(R"("function_id": "f", "code": "1")"));
  fake_clock_.Advance(25h);
  StartWorker();
  EXPECT_NE(NextDeadLetter().find("expired"), std::string::npos);
  AwaitEmptyQueue();
  EXPECT_EQ(sandbox_->starts(), 0);
}

// Counts calls that give messages back.
class CountingQueue final : public ForwardingQueue {
 public:
  using ForwardingQueue::ForwardingQueue;
  Result<std::vector<Receipt>> Extend(const Context& context, std::span<const Receipt> receipts,
                                      Duration lease) override {
    if (lease == Duration(0)) ++given_back;
    return ForwardingQueue::Extend(context, receipts, lease);
  }
  std::atomic<int> given_back = 0;
};

TEST_F(Messages, AreGivenBackTogether) {
  constexpr size_t kMessages = Queue::kMaxBatch + 5;  // in two batches
  for (size_t i = 0; i < kMessages; ++i) SendBody("x");
  std::vector<Delivery> deliveries;
  while (deliveries.size() < kMessages) {
    auto more = queue_->Receive({}, {.max_messages = Queue::kMaxBatch, .lease = 1h});
    ASSERT_THAT(more, IsOk());
    std::move(more->begin(), more->end(), std::back_inserter(deliveries));
  }
  const auto counting = std::make_shared<CountingQueue>(queue_);
  queue_ = counting;
  const WorkerParts parts = PartsOfWorker({.message_lease = 1h}, shared_engine(), jobs_);
  WorkerJobs jobs(parts, "w", "");
  for (const Delivery& delivery : deliveries) jobs.Hold(delivery);
  jobs.GiveBack(deliveries);
  EXPECT_EQ(counting->given_back, 2);
  EXPECT_EQ(queue_->Depth({})->visible, kMessages);
  EXPECT_EQ(queue_->Depth({})->leased, 0u);
}

TEST_F(Messages, OfVeryLongJobsAreLetGoAndTheJobsGoOn) {
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    running.Set();
    go_on.Wait();
    return Returned("1");
  };
  StartWorker({.slots = 1, .lease = 1s, .max_message_hold = 3s});
  const Job job = Submit();
  running.Wait();
  while (queue_->Depth({})->leased > 0) {
    fake_clock_.Advance(100ms);
    const SystemTime due = fake_clock_.WallNow() + 600ms;
    while (jobs_->Get({}, job.id)->due < due) std::this_thread::yield();
  }
  EXPECT_EQ(jobs_->Get({}, job.id)->state, JobState::kProcessing);
  go_on.Set();
  const Job done = Await(job.id);
  EXPECT_EQ(done.state, JobState::kSuccess);
  EXPECT_EQ(done.attempt, 1u);
  ExpectOneEnd(job.id);
}

TEST_F(Messages, ThatWereLetGoAreSentAgainForTheNextAttempt) {
  UseDeadLetters();
  std::atomic<int> runs = 0;
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) -> Outcome {
    if (++runs == 1) {
      running.Set();
      go_on.Wait();
    }
    return {.ending = Ending::kException, .error = FunctionError{.type = "E", .message = "m"}};
  };
  StartWorker({.slots = 1, .lease = 1s, .max_message_hold = 1ms});
  const Job job = Submit({.function = "f", .retry = {.max_attempts = 2, .backoff = 1s}});
  running.Wait();
  while (queue_->Depth({})->leased > 0) {
    fake_clock_.Advance(100ms);
    const SystemTime due = fake_clock_.WallNow() + 600ms;
    while (jobs_->Get({}, job.id)->due < due) std::this_thread::yield();
  }
  go_on.Set();
  AwaitState(job.id, JobState::kPending, 1);
  while (queue_->Depth({})->delayed == 0) std::this_thread::yield();
  fake_clock_.Advance(1s);
  EXPECT_EQ(ReadJobMessage(NextDeadLetter())->job_id, job.id);
  EXPECT_EQ(Await(job.id).attempt, 2u);
  EXPECT_EQ(runs, 2);
}

TEST_F(Messages, AWorkerThatCannotKeepItsJobStopsItWhenTheLeaseEnds) {
  auto cut_off = std::make_shared<FaultyJobStore>(jobs_);
  Event running;
  Event killed;
  std::atomic<bool> began = false;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    if (began.exchange(true)) return Returned("1");  // the next attempt
    running.Set();
    EXPECT_FALSE(Event().Wait(call.context));
    killed.Set();
    return EndedBy(call.context);
  };
  StartWorker({.slots = 1, .lease = 1s}, shared_engine(), cut_off);
  const Job job = Submit();
  running.Wait();
  cut_off->SetFault([](std::string_view) { return absl::UnavailableError("cut off"); });
  // Again: a lease keeper that begins only now counts from now.
  do {
    fake_clock_.Advance(1s);
  } while (!killed.Wait(Context::WithTimeout(10ms)));
  cut_off->SetFault(nullptr);
  workers_.clear();  // it looks at what is here
}

// As one does that was stopped while it waited for the answer.
TEST_F(Messages, AWorkerThatLearnsTooLateThatItHasAJobDoesNotBeginIt) {
  auto slow = std::make_shared<FaultyJobStore>(jobs_);
  std::atomic<int> claims = 0;
  std::atomic<int> runs = 0;
  slow->SetFault([&](std::string_view call) -> Status {
    if (call == "after Transition" && ++claims == 1) fake_clock_.Advance(1s);
    return absl::OkStatus();
  });
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    ++runs;
    return Returned("1");
  };
  StartWorker({.slots = 1, .lease = 1s}, shared_engine(), slow);
  const Job job = Submit();
  while (!IsTerminal(jobs_->Get({}, job.id)->state)) {
    fake_clock_.Advance(100ms);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(jobs_->Get({}, job.id)->state, JobState::kSuccess);
  EXPECT_EQ(jobs_->Get({}, job.id)->attempt, 2u);
  EXPECT_EQ(runs, 1);
}

// Two slots of one worker have a message of the same job each, and the claim of one is not
// answered.
TEST_F(Messages, AWorkerThatIsNotToldWhetherItHasAJobDoesNotRunItTwice) {
  auto unsure = std::make_shared<FaultyJobStore>(jobs_);
  std::barrier both(2);
  Event running;
  Event asked_again;
  std::atomic<int> gets = 0;
  std::atomic<int> claims = 0;
  std::atomic<int> runs = 0;
  unsure->SetFault([&](std::string_view call) -> Status {
    if (call == "Get") {
      const int number = ++gets;
      if (number <= 2) both.arrive_and_wait();
      if (number == 3) asked_again.Set();
    }
    if (call != "Transition" || ++claims != 2) return absl::OkStatus();
    running.Wait();
    return absl::UnavailableError("no answer");
  });
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    ++runs;
    running.Set();
    asked_again.Wait(Context::WithTimeout(100ms));  // who is right does not ask
    return Returned("1");
  };
  const Job job = Submit();
  SendBody(JobMessage(job, fake_clock_.WallNow()).body);
  StartWorker({.slots = 2}, shared_engine(), unsure);
  EXPECT_EQ(Await(job.id).state, JobState::kSuccess);
  workers_.clear();
  EXPECT_EQ(runs, 1);
}

TEST_F(Messages, AJobIsNotTakenFromAWorkerWhoseClockIsBehind) {
  controller_options_.clock_tolerance = 2s;
  const Job job = Submit();
  while (queue_->Depth({})->visible == 0) std::this_thread::yield();
  Job claimed = *jobs_->Get({}, job.id);
  claimed.state = JobState::kProcessing;
  claimed.attempt = 1;
  claimed.due = fake_clock_.WallNow() - 1h;
  ASSERT_THAT(jobs_->Transition({}, {job.id, 0}, JobState::kPending, claimed), IsOk());
  // It keeps its job, by its own clock.
  for (int i = 1; i <= 10; ++i) {
    fake_clock_.Advance(1s);
    const JobLease leases[] = {{job.id, 1}};
    const auto lost = jobs_->Extend({}, leases, claimed.due + i * 1s);
    ASSERT_THAT(lost, IsOk());
    EXPECT_TRUE(lost->empty());
    std::this_thread::sleep_for(20ms);  // for the sweeper to make the mistake
  }
  EXPECT_EQ(jobs_->Get({}, job.id)->state, JobState::kProcessing);
  // Then it falls silent.
  while (jobs_->Get({}, job.id)->state == JobState::kProcessing) {
    fake_clock_.Advance(100ms);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(jobs_->Get({}, job.id)->crashes, 1u);
}

}  // namespace
}  // namespace nanogrid
