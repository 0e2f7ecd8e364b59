// What becomes of jobs whatever happens to workers, stores and functions.
#include <gtest/gtest.h>

#include <latch>
#include <random>
#include <thread>

#include "engine/job_fixture.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

class Workers : public JobTest {
 protected:
  Workers() { Register(Spec("f")); }

  static Outcome Thrown() {
    return {.ending = Ending::kException, .error = FunctionError{.type = "E", .message = "m"}};
  }
  // An engine of its own, whose fake sandbox says what `invoke` says.
  std::shared_ptr<Engine> EngineThat(
      std::function<Result<Outcome>(const FakeSandbox::Call&)> invoke) {
    auto sandbox = std::make_shared<FakeSandbox>();
    sandbox->on_invoke = std::move(invoke);
    EngineParts parts = parts_;
    parts.sandboxes["linux"] = sandbox;
    parts.package_dir = directory_ / ("packages-" + std::to_string(++engines_));
    return *MakeEngine(parts);
  }

 private:
  int engines_ = 0;
};

TEST_F(Workers, RunAsManyJobsAtOnceAsTheyHaveSlots) {
  std::latch all(3);
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    all.arrive_and_wait();
    return Returned("1");
  };
  Worker& worker = StartWorker({.slots = 3});
  const Job jobs[] = {Submit(), Submit(), Submit()};
  for (const Job& job : jobs) EXPECT_EQ(Await(job.id).state, JobState::kSuccess);
  EXPECT_EQ(sandbox_->most_running(), 3);
  worker.Stop({});
  EXPECT_EQ(worker.GetStats().finished, 3u);
  EXPECT_EQ(worker.GetStats().busy, 0u);
}

TEST_F(Workers, AskBeforeAJobBeginsAndCountAsBusyThen) {
  std::atomic<Worker*> worker = nullptr;
  std::atomic<int> asked = 0;
  WorkerOptions options{.slots = 1};
  options.may_begin = [&](const Context&) {
    while (worker == nullptr) std::this_thread::yield();
    EXPECT_EQ(worker.load()->GetStats().busy, 1u);
    EXPECT_EQ(sandbox_->starts(), asked);
    ++asked;
    return absl::OkStatus();
  };
  worker = &StartWorker(options);
  EXPECT_EQ(Await(Submit({.function = "f"}).id).state, JobState::kSuccess);
  EXPECT_EQ(asked, 1);
}

TEST_F(Workers, WhatMayNotBeginGoesToOthersAndNothingMoreIsTaken) {
  std::atomic<int> refused = 0;
  WorkerOptions leaving{.name = "leaving", .slots = 1};
  leaving.may_begin = [&](const Context&) {
    ++refused;
    return absl::FailedPreconditionError("on its way out");
  };
  StartWorker(leaving);
  const Job job = Submit();
  while (queue_->Depth({})->visible == 0 || refused == 0) std::this_thread::yield();
  const int before = refused;
  while (refused < before + 2) std::this_thread::yield();  // it asks again, and takes nothing
  EXPECT_EQ(queue_->Depth({})->visible, 1u);
  EXPECT_EQ(jobs_->Get({}, job.id)->state, JobState::kPending);
  StartWorker({.name = "staying", .slots = 1});
  const Job done = Await(job.id);
  EXPECT_EQ(done.worker, "staying");
  EXPECT_EQ(done.attempt, 1u);
}

TEST_F(Workers, WhoMayBeginAgainTakesJobsAgain) {
  std::atomic<int> asked = 0;
  WorkerOptions options{.slots = 1};
  options.may_begin = [&](const Context&) {
    return ++asked < 3 ? absl::UnavailableError("no answer") : absl::OkStatus();
  };
  StartWorker(options);
  EXPECT_EQ(Await(Submit().id).state, JobState::kSuccess);
}

TEST_F(Workers, TakeNoMoreThanTheyHaveSlotsFor) {
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    running.Set();
    go_on.Wait();
    return Returned("1");
  };
  const Job jobs[] = {Submit(), Submit(), Submit()};
  while (queue_->Depth({})->visible < 3) std::this_thread::yield();
  StartWorker({.slots = 1});
  running.Wait();
  EXPECT_EQ(queue_->Depth({})->visible, 2u);
  EXPECT_EQ(queue_->Depth({})->leased, 1u);
  go_on.Set();
  for (const Job& job : jobs) Await(job.id);
}

TEST_F(Workers, WhatWasReceivedAheadOfALongJobGoesToOthers) {
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    if (call.invocation.event == "7") {
      running.Set();
      go_on.Wait();
    }
    return Returned("1");
  };
  StartWorker({.name = "first", .slots = 1, .lease = 1h});
  for (int i = 0; i < 20; ++i) Await(Submit().id);  // short ones: it takes several ahead
  const Job jobs[] = {Submit({.function = "f", .event = "7"}), Submit(), Submit(), Submit()};
  running.Wait();
  // It takes none of them again: nobody knows how long the long one takes.
  for (int left_alone = 0; left_alone < 100; ++left_alone) {
    fake_clock_.Advance(10ms);  // it waits for messages until then
    std::this_thread::sleep_for(1ms);
    if (queue_->Depth({})->visible < 3) left_alone = 0;
  }
  StartWorker({.name = "second", .slots = 1, .lease = 1h});
  for (size_t i = 1; i < std::size(jobs); ++i) {
    EXPECT_EQ(Await(jobs[i].id).worker, "second");
  }
  EXPECT_EQ(jobs_->Get({}, jobs[0].id)->state, JobState::kProcessing);
  go_on.Set();
  Await(jobs[0].id);
  for (const Job& job : jobs) EXPECT_EQ(jobs_->Get({}, job.id)->attempt, 1u);
}

TEST_F(Workers, TellTheFunctionItsJobAndKeepItsLog) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    call.log.Write("hello ");
    call.log.Write(call.invocation.request_id);
    return Returned("1");
  };
  StartWorker();
  const Job job = Submit();
  Await(job.id);
  EXPECT_EQ(LogOf(job.id), "hello " + job.id);
}

TEST_F(Workers, LogsAreThereWhileTheJobRuns) {
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    call.log.Write("live");
    go_on.Wait();
    return Returned("1");
  };
  StartWorker();
  const Job job = Submit();
  while (LogOf(job.id) != "live") std::this_thread::yield();
  EXPECT_EQ(controller().GetJob({}, job.id)->state, JobState::kProcessing);
  go_on.Set();
  Await(job.id);
}

TEST_F(Workers, LongLogsArriveWholeAndInOrder) {
  std::string expected;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    for (int i = 0; expected.size() < (1 << 20); ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      expected += line;
      call.log.Write(line);
    }
    const std::string block(200 << 10, 'x');
    expected += block;
    call.log.Write(block);
    return Returned("1");
  };
  StartWorker();
  const Job job = Submit();
  Await(job.id);
  std::string log;
  for (LogChunk chunk = *jobs_->ReadLog({}, job.id, 0); !chunk.bytes.empty();
       chunk = *jobs_->ReadLog({}, job.id, chunk.next)) {
    log += chunk.bytes;
  }
  EXPECT_EQ(log, expected);
}

TEST_F(Workers, ProgressIsTold) {
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    call.log.Progress("not JSON");
    call.log.Progress(R"({"done": 1})");
    go_on.Wait();
    call.log.Progress(R"({"done": 2})");
    return Returned("1");
  };
  StartWorker();
  const Job job = Submit();
  while (controller().GetJob({}, job.id)->progress != R"({"done": 1})") std::this_thread::yield();
  go_on.Set();
  EXPECT_EQ(Await(job.id).progress, R"({"done": 2})");
  ExpectOneEnd(job.id);
}

TEST_F(Workers, AFailingFunctionIsTriedAgainUntilItIsADeadLetter) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    call.log.Write("x");
    return Thrown();
  };
  StartWorker({.slots = 2, .lease = 1h});
  const Job job = Submit({.function = "f", .retry = {.max_attempts = 3, .backoff = 1min}});
  for (uint32_t attempt = 1; attempt < 3; ++attempt) {
    const Job failed = AwaitState(job.id, JobState::kPending, attempt);
    EXPECT_EQ(failed.outcome->error->type, "E");
    EXPECT_GE(failed.not_before - failed.started, attempt * 1min);
    EXPECT_LE(failed.not_before, fake_clock_.WallNow() + attempt * 1min);
    // Its message may be given back, for so long, only after this.
    fake_clock_.Advance(attempt * 1min);
    while (jobs_->Get({}, job.id)->attempt == attempt) {
      fake_clock_.Advance(10ms);
      std::this_thread::yield();
    }
  }
  const Job dead = Await(job.id);
  EXPECT_EQ(dead.state, JobState::kFailed);
  EXPECT_EQ(dead.attempt, 3u);
  EXPECT_EQ(dead.dead_letter, "failed in attempt 3 of 3");
  EXPECT_EQ(LogOf(job.id), "xxx");
  ExpectOneEnd(job.id);
}

TEST_F(Workers, WhatIsTooOldWhenItComesIsNotStarted) {
  const Job job = Submit({.function = "f", .retry = {.max_age = 1min}});
  fake_clock_.Advance(2min);
  StartWorker();
  const Job dead = Await(job.id);
  EXPECT_EQ(dead.state, JobState::kFailed);
  EXPECT_EQ(dead.attempt, 0u);
  EXPECT_NE(dead.dead_letter.find("max_age"), std::string::npos);
  EXPECT_EQ(sandbox_->starts(), 0);
}

TEST_F(Workers, AFunctionThatWasRemovedIsADeadLetter) {
  const Job job = Submit();
  ASSERT_THAT(engine().Remove({}, "f"), IsOk());
  StartWorker();
  const Job dead = Await(job.id);
  EXPECT_EQ(dead.state, JobState::kFailed);
  EXPECT_EQ(dead.outcome->error->type, "Engine");
}

TEST_F(Workers, AMessageThatComesTwiceRunsItsJobOnce) {
  std::atomic<int> runs = 0;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    ++runs;
    return Returned("1");
  };
  StartWorker({.slots = 4});
  StartWorker({.slots = 4});
  for (int i = 0; i < 50; ++i) {
    const Job job = Submit();
    const Message twin{.body = R"({"job_id": ")" + job.id + "\"}"};
    const Message twins[] = {twin, twin, twin};
    ASSERT_THAT(queue_->Send({}, twins), IsOk());
    Await(job.id);
    ExpectOneEnd(job.id);
  }
  AwaitEmptyQueue();
  EXPECT_EQ(runs, 50);
}

TEST_F(Workers, MessagesThatMeanNothingAreDropped) {
  const Message strange[] = {{.body = "hello"},
                             {.body = R"({"job_id": "../../etc/passwd"})"},
                             {.body = R"({"job_id": "00000000-0000-4000-8000-000000000000"})"}};
  ASSERT_THAT(queue_->Send({}, strange), IsOk());
  StartWorker();
  EXPECT_EQ(Await(Submit().id).state, JobState::kSuccess);
  AwaitEmptyQueue();
}

TEST_F(Workers, AJobWhoseWorkerWentSilentIsTakenOverAndTheOldAttemptWritesNothing) {
  // The first worker's store is away: it can neither keep its job nor learn that it lost it.
  auto cut_off = std::make_shared<FaultyJobStore>(jobs_);
  Event running;
  Event go_on;
  Event killed;
  const auto first = EngineThat([&](const FakeSandbox::Call& call) {
    call.log.Write("stale");
    running.Set();
    go_on.Wait();
    call.log.Write("more of it");
    killed.Set();
    return Returned(R"("stale")");
  });
  StartWorker({.name = "first", .slots = 1, .lease = 1s}, first, cut_off);
  const Job job = Submit();
  running.Wait();
  cut_off->SetFault([](std::string_view) { return absl::UnavailableError("cut off"); });
  fake_clock_.Advance(2s);
  const Job lost = AwaitState(job.id, JobState::kPending, 1);
  EXPECT_EQ(lost.lost, 1u);
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    call.log.Write("fresh");
    return Returned(R"("fresh")");
  };
  StartWorker({.name = "second"});
  const Job done = Await(job.id);
  EXPECT_EQ(done.worker, "second");
  EXPECT_EQ(done.attempt, 2u);
  cut_off->SetFault(nullptr);
  go_on.Set();
  killed.Wait();
  workers_.clear();
  EXPECT_EQ(ResultOf(job.id), R"("fresh")");
  EXPECT_TRUE(LogOf(job.id).ends_with("fresh")) << LogOf(job.id);
  EXPECT_EQ(LogOf(job.id).find("more of it"), std::string::npos);
  ExpectOneEnd(job.id);
}

TEST_F(Workers, ALargeResultOfAStaleAttemptIsNotLeftBehind) {
  const std::string large = '"' + std::string(2 * JobStore::kMaxInline, 'x') + '"';
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    running.Set();
    go_on.Wait();
    return Returned(large);
  };
  StartWorker();
  const Job job = Submit();
  running.Wait();
  // Nobody is told in time: the end of the attempt and the cancellation cross.
  ASSERT_THAT(controller().Cancel({}, job.id), IsOk());
  go_on.Set();
  workers_.clear();
  EXPECT_EQ(controller().GetJob({}, job.id)->state, JobState::kCancelled);
  EXPECT_EQ(CountObjects("jobs/"), 0u);
}

TEST_F(Workers, AJobThatKillsItsWorkersIsADeadLetter) {
  const Job job = Submit();
  while (queue_->Depth({})->visible == 0) std::this_thread::yield();
  for (uint32_t attempt = 1; attempt <= 3; ++attempt) {
    // As a worker that dies: the claim, and nothing more.
    Job claimed = *jobs_->Get({}, job.id);
    claimed.state = JobState::kProcessing;
    claimed.attempt = attempt;
    claimed.due = fake_clock_.WallNow() + 1s;
    ASSERT_THAT(jobs_->Transition({}, {job.id, attempt - 1}, JobState::kPending, claimed), IsOk());
    fake_clock_.Advance(1s);
    EXPECT_EQ(AwaitState(job.id, JobState::kPending, attempt).lost, attempt);
  }
  StartWorker({.slots = 1, .max_crashes = 3});
  const Job dead = Await(job.id);
  EXPECT_EQ(dead.state, JobState::kFailed);
  EXPECT_EQ(dead.dead_letter, "3 workers died while they ran it");
  EXPECT_EQ(sandbox_->starts(), 0);
}

TEST_F(Workers, AStoreThatIsAwayForAMomentLosesNothing) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mutex mutex;
  std::mt19937 random(seed);
  faulty_->SetFault([&](std::string_view) -> Status {
    const std::lock_guard lock(mutex);
    return random() % 3 == 0 ? absl::UnavailableError("away") : absl::OkStatus();
  });
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    call.log.Write("log");
    return Returned("1");
  };
  StartWorker({.slots = 1, .lease = 1s});
  for (int i = 0; i < 20; ++i) {
    const Job job = Submit();
    const Job done = AwaitInTime(job.id);  // what was left to its lease comes again
    EXPECT_EQ(done.state, JobState::kSuccess);
    EXPECT_TRUE(jobs_->ReadLog({}, job.id, 0)->bytes.ends_with("log"));
    ExpectOneEnd(job.id);
  }
  workers_.clear();
  faulty_->SetFault(nullptr);
}

TEST_F(Workers, AResultThatTheStoreRefusesIsAnErrorThatSaysWhy) {
  faulty_->SetFault([refused = std::make_shared<std::atomic<bool>>(false),
                     claims = std::make_shared<std::atomic<int>>(0)](std::string_view call) {
    if (call != "Transition" || ++*claims < 2 || refused->exchange(true)) return absl::OkStatus();
    return absl::InvalidArgumentError("no such result");
  });
  StartWorker({.slots = 1});
  const Job dead = Await(Submit().id);
  EXPECT_EQ(dead.state, JobState::kFailed);
  EXPECT_EQ(dead.outcome->error->message, "no such result");
}

TEST_F(Workers, StopWaitsForWhatRuns) {
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    running.Set();
    go_on.Wait();
    return Returned("1");
  };
  Worker& worker = StartWorker({.slots = 1});
  const Job job = Submit();
  const Job waiting = Submit();
  running.Wait();
  std::jthread stopper([&] { worker.Stop({}); });
  go_on.Set();
  stopper.join();
  EXPECT_EQ(controller().GetJob({}, job.id)->state, JobState::kSuccess);
  EXPECT_EQ(worker.GetStats().busy, 0u);
  const JobState state = controller().GetJob({}, waiting.id)->state;
  EXPECT_TRUE(state == JobState::kPending || state == JobState::kSuccess);
}

TEST_F(Workers, StopThatMayNotWaitHandsBackWhatRuns) {
  Event running;
  std::atomic<bool> first = true;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    if (!first.exchange(false)) return Returned("1");
    running.Set();
    EXPECT_FALSE(Event().Wait(call.context));
    return EndedBy(call.context);
  };
  Worker& worker = StartWorker();
  const Job job = Submit({.function = "f", .retry = {.max_attempts = 2}});
  running.Wait();
  worker.Stop({.deadline = fake_clock_.Now()});
  const Job back = *controller().GetJob({}, job.id);
  EXPECT_EQ(back.state, JobState::kPending);
  EXPECT_EQ(back.attempt, 1u);
  EXPECT_EQ(back.lost, 1u);
  EXPECT_EQ(back.crashes, 0u) << "stopping is no crash, however often it happens";
  EXPECT_EQ(queue_->Depth({})->visible, 1u) << "its message is there for others, at once";
  StartWorker();
  const Job done = Await(job.id);
  EXPECT_EQ(done.state, JobState::kSuccess);
  EXPECT_EQ(done.attempt, 2u);
  ExpectOneEnd(job.id);
}

TEST_F(Workers, WhatTheEngineCannotDoNowIsTriedAgainLater) {
  std::atomic<int> starts = 0;
  sandbox_->on_start = [&](const Context&, const FunctionPackage&) -> Status {
    if (++starts == 1) return absl::ResourceExhaustedError("no memory");
    return absl::OkStatus();
  };
  StartWorker();
  const Job job = Submit();
  const Job pending = AwaitState(job.id, JobState::kPending, 1);
  EXPECT_EQ(pending.lost, 1u);
  EXPECT_EQ(AwaitInTime(job.id).state, JobState::kSuccess);
}

TEST_F(Workers, AJobIsKeptForAsLongAsItRuns) {
  Event running;
  Event go_on;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) {
    running.Set();
    go_on.Wait();
    return Returned("1");
  };
  StartWorker({.slots = 1, .lease = 1s});
  const Job job = Submit();
  running.Wait();
  const SystemTime first = jobs_->Get({}, job.id)->due;
  for (int i = 1; i <= 3; ++i) {
    fake_clock_.Advance(500ms);
    while (jobs_->Get({}, job.id)->due < first + i * 500ms) std::this_thread::yield();
  }
  go_on.Set();
  EXPECT_EQ(Await(job.id).attempt, 1u);
}

// As many files of a few bytes as the event says.
Result<Outcome> LeaveFiles(const FakeSandbox::Call& call) {
  Outcome outcome = Returned("1");
  for (int n = 0; n < std::atoi(std::string(call.invocation.event).c_str()); ++n) {
    const std::string path = "sub/" + std::to_string(n);
    for (const Status& status :
         {call.invocation.files->Begin(path, 3), call.invocation.files->Write("abc"),
          call.invocation.files->End()}) {
      if (!status.ok()) return status;
    }
    outcome.files.push_back({.path = path, .size = 3});
  }
  outcome.refused_files.push_back({.path = "link", .reason = "is a symbolic link"});
  return outcome;
}

TEST_F(Workers, ResultFilesAreListedReadAndExpireWithTheirJob) {
  sandbox_->on_invoke = LeaveFiles;
  StartWorker();
  const Job job = Await(Submit({.function = "f", .event = "1200"}).id);
  ASSERT_EQ(job.state, JobState::kSuccess);
  EXPECT_EQ(job.files, 1200u);
  ASSERT_EQ(job.outcome->refused_files.size(), 1u);
  EXPECT_EQ(job.outcome->refused_files[0].reason, "is a symbolic link");
  const auto page = controller().ListFiles({}, job.id, "", 1000);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->objects.size(), 1000u);
  EXPECT_EQ(page->objects[0].key, "sub/0");
  EXPECT_EQ(controller().ListFiles({}, job.id, page->cursor, 1000)->objects.size(), 200u);
  StringSink sink;
  EXPECT_THAT(controller().ReadFile({}, job.id, "sub/7", sink), IsOk());
  EXPECT_EQ(sink.text, "abc");
  EXPECT_THAT(controller().ReadFile({}, job.id, "sub/x", sink), FailsWith(kNotFound, "sub/x"));
  EXPECT_THAT(controller().ReadFile({}, job.id, "../f", sink), FailsWith(kInvalidArgument, "key"));
  fake_clock_.Advance(25h);
  while (jobs_->Get({}, job.id).ok()) std::this_thread::yield();
  EXPECT_TRUE(objects_->List({}, "jobs/")->objects.empty());
}

TEST_F(Workers, AJobWithoutFilesHasNone) {
  StartWorker();
  const Job job = Await(Submit().id);
  EXPECT_EQ(job.files, 0u);
  EXPECT_TRUE(controller().ListFiles({}, job.id)->objects.empty());
  StringSink sink;
  EXPECT_THAT(controller().ReadFile({}, job.id, "a", sink), FailsWith(kNotFound, "no file"));
}

TEST_F(Workers, ATenantsJobRunsOnItsInstance) {
  FunctionSpec spec = Spec("g");
  spec.per_tenant = true;
  Register(spec);
  StartWorker();
  EXPECT_THAT(controller().Submit({}, {.function = "g"}), FailsWith(kInvalidArgument, "tenant"));
  const Job job = Await(Submit({.function = "g", .tenant = "acme"}).id);
  EXPECT_EQ(job.tenant, "acme");
  EXPECT_EQ(sandbox_->packages().back().tenant, "acme");
  EXPECT_EQ(Await(controller().Retry({}, job.id)->id).tenant, "acme");
}

TEST_F(Workers, MissingAndWrongPartsAreNamed) {
  EXPECT_THAT(MakeWorker({}), FailsWith(kInvalidArgument, "WorkerParts.engine"));
  const auto with = [this](WorkerOptions options) {
    return MakeWorker({.engine = shared_engine(),
                       .queue = queue_,
                       .jobs = jobs_,
                       .objects = objects_,
                       .options = std::move(options)});
  };
  EXPECT_THAT(with({.slots = 1001}), FailsWith(kInvalidArgument, "slots"));
  EXPECT_THAT(with({.lease = 999ms}), FailsWith(kInvalidArgument, "lease"));
  EXPECT_THAT(with({.max_crashes = 0}), FailsWith(kInvalidArgument, "max_crashes"));
}

}  // namespace
}  // namespace nanogrid
