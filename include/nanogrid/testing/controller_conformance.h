// What every Controller must do (controller.h), with a worker behind it. In one source file of a
// GoogleTest program, in namespace nanogrid:
//
//   #include "nanogrid/testing/controller_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, ControllerConformance, testing::Values(
//       ControllerAdapter{"mine", [] { return MakeMyController(); }}));
//
// `make` answers a controller without functions and jobs, on which a worker of at least two slots
// works that has the runtime python3. It is used from several threads.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "nanogrid/controller.h"

namespace nanogrid {

struct ControllerAdapter {
  std::string name{};
  std::function<std::shared_ptr<Controller>()> make{};
};
inline void PrintTo(const ControllerAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class ControllerConformance : public testing::TestWithParam<ControllerAdapter> {
 protected:
  using Code = absl::StatusCode;  // ::nanogrid::Code is a function's code
  static constexpr Duration kHang = std::chrono::seconds(60);
  // Does what its event says.
  static constexpr char kActor[] = R"(
import time
def handler(event, context):
    if event.get("print"):
        print(event["print"])
    if "progress" in event:
        context.report_progress(event["progress"])
    if event.get("sleep"):
        print("asleep", flush=True)
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise ValueError(event["fail"])
    if "size" in event:
        return "x" * event["size"]
    return event.get("answer")
)";

  void SetUp() override {
    controller_ = GetParam().make();
    ASSERT_NE(controller_, nullptr);
    const auto version = controller_->engine().Register(
        Soon(), {.name = "actor", .code = ::nanogrid::Code::Inline("actor.py", kActor)});
    ASSERT_TRUE(version.ok()) << version.status();
  }

  static Context Soon() { return Context::WithTimeout(kHang); }

  Job Submit(const std::string& event, SubmitRequest request = {}) {
    request.function = "actor";
    request.event = event;
    const Result<Job> job = controller_->Submit(Soon(), request);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : Job{};
  }
  Status SubmitError(const SubmitRequest& request) {
    return controller_->Submit(Soon(), request).status();
  }
  Job Await(const std::string& id) {
    const Result<Job> job = controller_->Await(Soon(), id);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : Job{};
  }
  Job Get(const std::string& id) {
    const Result<Job> job = controller_->GetJob(Soon(), id);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.ok() ? *job : Job{};
  }
  std::string ResultOf(const std::string& id) {
    class StringSink final : public Sink {
     public:
      Status Write(std::string_view bytes) override {
        text += bytes;
        return absl::OkStatus();
      }
      std::string text{};
    } sink;
    const Status status = controller_->ReadResult(Soon(), id, sink);
    EXPECT_TRUE(status.ok()) << status;
    return sink.text;
  }
  std::string LogOf(const std::string& id) {
    std::string log;
    for (;;) {
      const Result<LogChunk> chunk = controller_->ReadLog(Soon(), id, log.size(), 1000);
      EXPECT_TRUE(chunk.ok()) << chunk.status();
      if (!chunk.ok() || chunk->bytes.empty()) return log;
      log += chunk->bytes;
      EXPECT_EQ(chunk->next, log.size());
    }
  }
  // Waits until it is running and has printed.
  void WaitUntilAsleep(const std::string& id) {
    const TimePoint end = std::chrono::steady_clock::now() + kHang;
    while (LogOf(id).find("asleep") == std::string::npos) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::vector<JobEvent> EventsUntilTheEnd(const std::string& id) {
    std::vector<JobEvent> all;
    while (all.empty() || !IsTerminal(all.back().state)) {
      const auto events = controller_->Events(Soon(), id, all.empty() ? "" : all.back().cursor, 3);
      EXPECT_TRUE(events.ok() && !events->empty()) << events.status();
      if (!events.ok() || events->empty()) break;
      all.insert(all.end(), events->begin(), events->end());
    }
    return all;
  }

  std::shared_ptr<Controller> controller_;
};

TEST_P(ControllerConformance, AJobIsTakenRunAndFoundAgain) {
  const Job taken = Submit(R"({"answer": [1, "two"], "print": "hello"})");
  EXPECT_EQ(taken.function, "actor");
  EXPECT_EQ(taken.version, 1u);
  const Job done = Await(taken.id);
  EXPECT_EQ(done.state, JobState::kSuccess);
  EXPECT_EQ(done.attempt, 1u);
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(done.outcome->ending, Ending::kReturned);
  EXPECT_EQ(ResultOf(taken.id), R"([1, "two"])");
  EXPECT_EQ(LogOf(taken.id), "hello\n");
  EXPECT_EQ(Get(taken.id).state, JobState::kSuccess);
  EXPECT_EQ(Get(taken.id).created, taken.created);
  EXPECT_LE(done.started, done.finished);
}

TEST_P(ControllerConformance, LargeEventsAndResultsArriveWhole) {
  const std::string large(JobStore::kMaxInline + 1000, 'y');
  const Job echoed = Submit("{\"answer\": \"" + large + "\"}");
  const Job made = Submit(R"({"size": 300000})");
  EXPECT_EQ(Await(echoed.id).state, JobState::kSuccess);
  EXPECT_TRUE(ResultOf(echoed.id) == "\"" + large + "\"");
  const Job done = Await(made.id);
  EXPECT_EQ(done.result_size, 300002u);
  EXPECT_TRUE(ResultOf(made.id) == "\"" + std::string(300000, 'x') + "\"");
}

TEST_P(ControllerConformance, AFailureHasItsReasonAndNoResult) {
  const Job job = Await(Submit(R"({"fail": "no luck"})").id);
  EXPECT_EQ(job.state, JobState::kFailed);
  ASSERT_TRUE(job.outcome && job.outcome->error);
  EXPECT_EQ(job.outcome->ending, Ending::kException);
  EXPECT_EQ(job.outcome->error->type, "ValueError");
  EXPECT_EQ(job.outcome->error->message, "no luck");
  EXPECT_FALSE(job.dead_letter.empty());
  class NoSink final : public Sink {
   public:
    Status Write(std::string_view) override { return absl::OkStatus(); }
  } sink;
  EXPECT_EQ(controller_->ReadResult(Soon(), job.id, sink).code(), Code::kFailedPrecondition);
}

TEST_P(ControllerConformance, AFailureIsTriedAgainAsOftenAsItWasAskedFor) {
  const Job job =
      Await(Submit(R"({"fail": "again"})",
                   {.retry = {.max_attempts = 3, .backoff = std::chrono::milliseconds(1)}})
                .id);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.attempt, 3u);
  EXPECT_EQ(job.retry.max_attempts, 3u);
}

TEST_P(ControllerConformance, EventsComeInOrderWithoutAGap) {
  const Job job = Submit(R"({"progress": {"half": true}, "sleep": 0.5})");
  const std::vector<JobEvent> events = EventsUntilTheEnd(job.id);
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.front().state, JobState::kPending);
  EXPECT_EQ(events[1].state, JobState::kProcessing);
  EXPECT_EQ(events.back().state, JobState::kSuccess);
  bool reported = false;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].revision, i + 1);
    EXPECT_EQ(events[i].job_id, job.id);
    reported |= events[i].progress.find("half") != std::string::npos;
  }
  EXPECT_TRUE(reported);
}

TEST_P(ControllerConformance, EventsOfAnUnknownJobAreNotFound) {
  EXPECT_EQ(controller_->Events(Soon(), "none", "", 10).status().code(), Code::kNotFound);
}

TEST_P(ControllerConformance, ARunningJobIsCancelled) {
  const Job job = Submit(R"({"sleep": 600})");
  WaitUntilAsleep(job.id);
  const Result<Job> cancelled = controller_->Cancel(Soon(), job.id);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state, JobState::kCancelled);
  EXPECT_EQ(Await(job.id).state, JobState::kCancelled);
  // The slots are free again.
  const std::string first = Submit("{}").id, second = Submit("{}").id;
  EXPECT_EQ(Await(first).state, JobState::kSuccess);
  EXPECT_EQ(Await(second).state, JobState::kSuccess);
}

TEST_P(ControllerConformance, APendingJobIsCancelledAndNeverStarts) {
  const Job job = Submit("{}", {.delay = std::chrono::hours(1)});
  EXPECT_EQ(Get(job.id).state, JobState::kPending);
  EXPECT_TRUE(controller_->Cancel(Soon(), job.id).ok());
  EXPECT_EQ(Await(job.id).attempt, 0u);
}

TEST_P(ControllerConformance, WhatHasEndedStaysAsItWas) {
  const Job done = Await(Submit("{}").id);
  const Result<Job> cancelled = controller_->Cancel(Soon(), done.id);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state, JobState::kSuccess);
  EXPECT_EQ(Get(done.id).revision, done.revision);
}

TEST_P(ControllerConformance, AnEndedJobIsSentAgainAsAnother) {
  const Job failed = Await(Submit(R"({"fail": "first"})").id);
  const Result<Job> again = controller_->Retry(Soon(), failed.id);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(again->id, failed.id);
  EXPECT_EQ(again->retry_of, failed.id);
  EXPECT_EQ(Await(again->id).state, JobState::kFailed);
  const Job waiting = Submit("{}", {.delay = std::chrono::hours(1)});
  EXPECT_EQ(controller_->Retry(Soon(), waiting.id).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(controller_->Cancel(Soon(), waiting.id).ok());
}

TEST_P(ControllerConformance, AnIdempotencyKeyMeansOneJob) {
  const Job first = Submit(R"({"answer": 1})", {.idempotency_key = "order 7"});
  EXPECT_EQ(Submit(R"({"answer": 1})", {.idempotency_key = "order 7"}).id, first.id);
  EXPECT_EQ(
      SubmitError({.function = "actor", .event = R"({"answer": 2})", .idempotency_key = "order 7"})
          .code(),
      Code::kAlreadyExists);
  EXPECT_NE(Submit(R"({"answer": 1})", {.idempotency_key = "order 8"}).id, first.id);
}

TEST_P(ControllerConformance, JobsAreListedNewestFirstPageByPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Submit("{}").id);
  for (const std::string& id : ids) Await(id);
  const std::string failed = Await(Submit(R"({"fail": "x"})").id).id;
  std::vector<std::string> listed;
  std::string cursor;
  do {
    const Result<JobPage> page = controller_->ListJobs(Soon(), {.function = "actor"}, cursor, 2);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const Job& job : page->jobs) listed.push_back(job.id);
    cursor = page->cursor;
  } while (!cursor.empty());
  ASSERT_EQ(listed.size(), 6u);
  EXPECT_EQ(listed.front(), failed);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()).size(), 6u);
  const Result<JobPage> failures =
      controller_->ListJobs(Soon(), {.state = JobState::kFailed}, {}, 10);
  ASSERT_TRUE(failures.ok() && failures->jobs.size() == 1);
  EXPECT_EQ(failures->jobs[0].id, failed);
  EXPECT_EQ(controller_->ListJobs(Soon(), {}, "no cursor", 10).status().code(),
            Code::kInvalidArgument);
}

TEST_P(ControllerConformance, WhatIsNotThereIsNotFound) {
  const std::string id = "00000000-0000-4000-8000-000000000000";
  EXPECT_EQ(controller_->GetJob(Soon(), id).status().code(), Code::kNotFound);
  EXPECT_EQ(controller_->Cancel(Soon(), id).status().code(), Code::kNotFound);
  EXPECT_EQ(controller_->Retry(Soon(), id).status().code(), Code::kNotFound);
  EXPECT_EQ(controller_->Await(Soon(), id).status().code(), Code::kNotFound);
  EXPECT_EQ(controller_->ReadLog(Soon(), id, 0).status().code(), Code::kNotFound);
  EXPECT_EQ(SubmitError({.function = "nobody"}).code(), Code::kNotFound);
  EXPECT_EQ(SubmitError({.function = "actor", .qualifier = "7"}).code(), Code::kNotFound);
}

TEST_P(ControllerConformance, WrongRequestsAreRefusedByTheFieldsName) {
  const auto refused = [&](const SubmitRequest& request, const char* field) {
    const Status status = SubmitError(request);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
    EXPECT_NE(status.message().find(field), std::string::npos) << status;
  };
  refused({.function = "actor", .event = "{"}, "event");
  refused({.function = "actor", .idempotency_key = std::string(300, 'k')}, "idempotency_key");
  refused({.function = "actor", .delay = std::chrono::hours(24 * 400)}, "delay");
  refused({.function = "actor", .retry = {.max_attempts = 0}}, "max_attempts");
}

TEST_P(ControllerConformance, ASubscriptionTellsWhatHappensFromThenOn) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<JobEvent> seen;
  const auto subscription = controller_->Subscribe("", [&](const JobEvent& event) {
    const std::lock_guard lock(mutex);
    seen.push_back(event);
    changed.notify_all();
  });
  // It may take a moment to begin, elsewhere.
  std::string id;
  std::unique_lock lock(mutex);
  for (const TimePoint end = std::chrono::steady_clock::now() + kHang;
       seen.empty() && std::chrono::steady_clock::now() < end;) {
    lock.unlock();
    id = Submit("{}").id;
    lock.lock();
    changed.wait_for(lock, std::chrono::seconds(2), [&] { return !seen.empty(); });
  }
  lock.unlock();
  id = Submit("{}").id;
  lock.lock();
  EXPECT_TRUE(changed.wait_for(lock, kHang, [&] {
    return std::any_of(seen.begin(), seen.end(), [&](const JobEvent& event) {
      return event.job_id == id && event.state == JobState::kSuccess;
    });
  }));
}

TEST_P(ControllerConformance, ManyClientsWaitForTheirJobs) {
  std::atomic<int> done = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        const std::string answer = std::to_string(100 * i + round);
        const Job job = Await(Submit("{\"answer\": " + answer + "}").id);
        if (job.state == JobState::kSuccess && ResultOf(job.id) == answer) ++done;
      }
    });
  }
  clients.clear();  // joins
  EXPECT_EQ(done, 40);
}

TEST_P(ControllerConformance, AnEndedContextEndsTheWaiting) {
  const Job job = Submit("{}", {.delay = std::chrono::hours(1)});
  EXPECT_EQ(controller_->Await(Context::WithTimeout(std::chrono::milliseconds(50)), job.id)
                .status()
                .code(),
            Code::kDeadlineExceeded);
  std::stop_source stop;
  std::jthread later([&] { stop.request_stop(); });
  EXPECT_EQ(controller_->Await(Context::WithStop(stop.get_token()), job.id).status().code(),
            Code::kCancelled);
  EXPECT_TRUE(controller_->Cancel(Soon(), job.id).ok());
}

TEST_P(ControllerConformance, ItsEngineInvokesAndTellsOutcomeAndLog) {
  class KeptLog final : public LogSink {
   public:
    void Write(std::string_view bytes) override { text += bytes; }
    std::string text{};
  } log;
  Engine& engine = controller_->engine();
  const Result<Outcome> returned = engine.Invoke(
      Soon(), {.function = "actor", .event = R"({"answer": 7, "print": "hello"})", .log = &log});
  ASSERT_TRUE(returned.ok()) << returned.status();
  EXPECT_EQ(returned->ending, Ending::kReturned);
  EXPECT_EQ(returned->result, "7");
  EXPECT_EQ(log.text, "hello\n");
  const Result<Outcome> thrown =
      engine.Invoke(Soon(), {.function = "actor", .event = R"({"fail": "no luck"})"});
  ASSERT_TRUE(thrown.ok() && thrown->error) << thrown.status();
  EXPECT_EQ(thrown->error->message, "no luck");
  EXPECT_EQ(engine.Invoke(Soon(), {.function = "nobody"}).status().code(), Code::kNotFound);
}

TEST_P(ControllerConformance, FunctionsAreListedAndRemoved) {
  Engine& engine = controller_->engine();
  const auto second = engine.Register(
      Soon(),
      {.name = "actor", .code = ::nanogrid::Code::Inline("actor.py", std::string(kActor) + "#\n")});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->number, 2u);
  const auto versions = engine.ListVersions(Soon(), "actor");
  ASSERT_TRUE(versions.ok() && versions->functions.size() == 2) << versions.status();
  EXPECT_EQ(versions->functions[0].number, 2u);
  EXPECT_EQ(Submit("{}", {.qualifier = "1"}).version, 1u);
  EXPECT_TRUE(engine.Remove(Soon(), "actor").ok());
  EXPECT_EQ(engine.Get(Soon(), "actor").status().code(), Code::kNotFound);
  EXPECT_EQ(SubmitError({.function = "actor", .event = "{}"}).code(), Code::kNotFound);
}

}  // namespace nanogrid
