// What a runtime may say on its channel, and what happens when it says something else.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::AnyOf;
using testing::SizeIs;

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

class Frames : public SandboxTest {
 protected:
  // The runtime's process as the host sees it.
  pid_t RuntimePid() {
    const std::vector<pid_t> pids = ProcessesWith(marker());
    EXPECT_THAT(pids, SizeIs(1));
    return pids.empty() ? -1 : pids[0];
  }
  // Whether the instance, whose runtime had that pid and that parent, is dead altogether.
  static bool IsGone(pid_t runtime, pid_t init) {
    return WaitUntil([&] { return !IsAlive(runtime) && !IsAlive(init); });
  }
  // Has the runtime do what it does after an answer, and waits until it is done: it says so by its
  // name in /proc.
  bool GoOnAfterTheAnswer() {
    const pid_t pid = RuntimePid();
    const std::string comm = "/proc/" + std::to_string(pid) + "/comm";
    return SendSignal(pid, SIGUSR1) && WaitUntil([&] { return ReadFile(comm) == "said-it\n"; });
  }
  static Status TryInvoke(Instance& instance, std::string_view event = "count") {
    return instance
        .Invoke(Context::WithTimeout(kHang), {.request_id = "again", .event = event},
                LogSink::Null())
        .status();
  }
};
INSTANTIATE_SANDBOX_TESTS(Frames);

TEST_P(Frames, OneInstanceServesManyInvocationsAndKeepsItsState) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  for (int i = 1; i <= 500; ++i) {
    const Outcome outcome = Invoke(*instance, "count");
    ASSERT_THAT(outcome, Returned(std::to_string(i)));
    EXPECT_EQ(outcome.start, i == 1 ? StartKind::kCold : StartKind::kWarm);
    EXPECT_TRUE(instance->Reusable());
  }
}

TEST_P(Frames, TheRequestIdAndTheDeadlineReachTheRuntime) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "id"), Returned("\"test-request\""));
  EXPECT_THAT(Invoke(*instance, "deadline", LogSink::Null(), Context{}), Returned("0"));
  const Outcome limited =
      Invoke(*instance, "deadline", LogSink::Null(), Context::WithTimeout(std::chrono::hours(1)));
  const double ahead = std::stod(limited.result) / 1000 - static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(ahead, 3600, 60);
}

TEST_P(Frames, ReadyMayComeFirst) {
  const auto instance = Start(FrameServer("ready"));
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  EXPECT_THAT(Invoke(*instance, "count"), Returned("2"));
}

TEST_P(Frames, AnErrorIsAnExceptionAndTheInstanceServesOn) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  const Outcome outcome =
      Invoke(*instance, R"(error:{"type":"ValueError","message":"no","stack":"line 1"})");
  EXPECT_THAT(outcome, EndedBy(Ending::kException));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(*outcome.error, (FunctionError{"ValueError", "no", "line 1"}));
  EXPECT_TRUE(instance->Reusable());
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
}

TEST_P(Frames, AnErrorThatIsNotWhatItShouldBeIsStillAnException) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  for (const char* const body : {"", "not json", "[]", "{}", R"({"type":7,"message":null})"}) {
    const Outcome outcome = Invoke(*instance, std::string("error:") + body);
    EXPECT_THAT(outcome, EndedBy(Ending::kException)) << body;
    EXPECT_TRUE(outcome.error) << body;
  }
}

TEST_P(Frames, AnAnswerMayComeByteByByte) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "byte-by-byte:\"slowly\""), Returned("\"slowly\""));
}

// Keeps what was reported.
class Reports final : public LogSink {
 public:
  void Write(std::string_view) override {}
  void Progress(std::string_view json) override { reports.emplace_back(json); }
  std::vector<std::string> reports;
};

TEST_P(Frames, ProgressIsReportedBeforeTheAnswer) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  Reports log;
  const std::string largest = "\"" + std::string(3998, 'x') + "\"";
  EXPECT_THAT(Invoke(*instance, "progress:" + largest, log), Returned("2"));
  EXPECT_THAT(log.reports, testing::ElementsAre("1", largest));
  EXPECT_THAT(Invoke(*instance, "progress-byte-by-byte:{}", log), Returned("2"));
  EXPECT_EQ(log.reports.back(), "{}");
  EXPECT_TRUE(instance->Reusable());
}

TEST_P(Frames, ProgressThatIsNoJsonOrTooLongBreaksTheProtocol) {
  for (const std::string& wrong : {std::string("{"), std::string(), std::string(4001, '1')}) {
    const auto instance = Start(FrameServer());
    ASSERT_TRUE(instance);
    EXPECT_THAT(Invoke(*instance, "progress:" + wrong), EndedBy(Ending::kViolation)) << wrong;
  }
}

TEST_P(Frames, ProgressWithoutEndEndsAtTheOutputLimit) {
  FunctionPackage package = FrameServer();
  package.limits.max_output = 100'000;
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "progress-without-end"), EndedBy(Ending::kOutputLimit));
}

TEST_P(Frames, EmptyEventsAndResultsAreFrames) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, ""), EndedBy(Ending::kException));
  EXPECT_TRUE(instance->Reusable());
}

TEST_P(Frames, EventsAndResultsOfEverySizeArriveWhole) {
  FunctionPackage package = FrameServer();
  package.limits.max_output = 64 << 20;
  package.limits.memory = 512 << 20;
  const auto instance = Start(package);
  ASSERT_TRUE(instance);
  for (const size_t size : {1u, 4096u, 16383u, 16384u, 16385u, 65536u, 1u << 20, 32u << 20}) {
    std::string text(size, ' ');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    const std::string json = "\"" + text + "\"";
    const Outcome outcome = Invoke(*instance, "echo:" + json);
    EXPECT_THAT(outcome, EndedBy(Ending::kReturned));
    EXPECT_TRUE(outcome.result == json) << size;
  }
}

TEST_P(Frames, LogLinesReachTheSinkAndNotTheResult) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  CollectedLog log;
  EXPECT_THAT(Invoke(*instance, "log:a line\n", log), Returned("null"));
  EXPECT_EQ(log.text(), "a line\n");
  CollectedLog second;
  EXPECT_THAT(Invoke(*instance, "shell:echo from a child >&2", second), Returned("\"\""));
  EXPECT_EQ(second.text(), "from a child\n");
}

TEST_P(Frames, WhatWasLoggedBetweenInvocationsBelongsToNone) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  CollectedLog first, second;
  EXPECT_THAT(Invoke(*instance, "log-after:in between\n", first), Returned("null"));
  ASSERT_TRUE(GoOnAfterTheAnswer());
  EXPECT_THAT(Invoke(*instance, "log:second\n", second), Returned("null"));
  EXPECT_EQ(second.text(), "second\n");
}

TEST_P(Frames, AFrameThatNobodyAskedForMakesTheInstanceUnavailable) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "frame-after"), Returned("null"));
  ASSERT_TRUE(GoOnAfterTheAnswer());
  EXPECT_EQ(TryInvoke(*instance).code(), kUnavailable);
  EXPECT_FALSE(instance->Reusable());
}

TEST_P(Frames, WhatBreaksTheProtocolIsAViolation) {
  const std::pair<const char*, const char*> breaches[] = {
      {"two answers", "two-frames"},
      {"READY after the first answer's time", "ready-again"},
      {"unknown type", "raw:ff0000000000000000000000000000000000000000000000"},
      {"type 0", "raw:000000000000000000000000000000000000000000000000"},
      {"INVOKE", "raw:010000000000000000000000000000000000000000000000"},
      {"meta in a result", "raw:02000000010000000000000000000000000000000000000041"},
      {"body beyond 1 GiB",
       "raw:0200000000000000010000400000000000000000000000"
       "00"},
      {"reserved bits", "raw:020000000000000000000000010000000000000000000000"},
      {"deadline in a result", "raw:020000000000000000000000000000000100000000000000"},
      {"READY with a body", "raw:040000000000000001000000000000000000000000000000"},
      {"closed channel", "close"},
  };
  for (const auto& [what, event] : breaches) {
    const auto instance = Start(FrameServer("ready"));
    ASSERT_TRUE(instance);
    EXPECT_THAT(Invoke(*instance, event), EndedBy(Ending::kViolation)) << what;
    EXPECT_FALSE(instance->Reusable()) << what;
    EXPECT_THAT(ProcessesWith(marker()), testing::IsEmpty()) << what;
  }
}

TEST_P(Frames, AnAnswerBeforeTheQuestionIsNone) {
  const auto instance = Start(FrameServer("result-first"));
  ASSERT_TRUE(instance);
  // Larger than what the socket takes at once, so that the question cannot be out already.
  const Result<Outcome> outcome =
      instance->Invoke(Context::WithTimeout(kHang),
                       {.request_id = "", .event = std::string(4 << 20, 'x')}, LogSink::Null());
  if (outcome.ok()) {
    EXPECT_THAT(*outcome, EndedBy(Ending::kViolation));
  } else {
    EXPECT_EQ(outcome.status().code(), kUnavailable) << outcome.status();
  }
  EXPECT_FALSE(instance->Reusable());
}

TEST_P(Frames, HalfAnAnswerIsNone) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  const Outcome outcome = Invoke(*instance, "half:\"0123456789\"");
  EXPECT_THAT(outcome, AnyOf(EndedBy(Ending::kExited), EndedBy(Ending::kViolation)));
  EXPECT_EQ(outcome.result, "");
}

TEST_P(Frames, AnAnswerCountsAlthoughTheRuntimeExitsAfterIt) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const pid_t runtime = RuntimePid(), init = ParentOf(runtime);
  EXPECT_THAT(Invoke(*instance, "answer-and-exit:3"), Returned("\"last words\""));
  // Found dead at the next invocation at the latest.
  ASSERT_TRUE(IsGone(runtime, init));
  EXPECT_EQ(TryInvoke(*instance).code(), kUnavailable);
  EXPECT_FALSE(instance->Reusable());
}

TEST_P(Frames, AnInstanceThatWasKilledWhileIdleIsUnavailable) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const pid_t runtime = RuntimePid(), init = ParentOf(runtime);
  ASSERT_TRUE(SendSignal(runtime, SIGKILL));
  ASSERT_TRUE(IsGone(runtime, init));
  EXPECT_EQ(TryInvoke(*instance).code(), kUnavailable);
  EXPECT_EQ(TryInvoke(*instance).code(), kUnavailable);
}

TEST_P(Frames, AnInstanceWhoseInitWasKilledWhileIdleIsUnavailable) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  const pid_t runtime = RuntimePid(), init = ParentOf(runtime);
  ASSERT_TRUE(SendSignal(init, SIGKILL));
  ASSERT_TRUE(IsGone(runtime, init));
  EXPECT_EQ(TryInvoke(*instance).code(), kUnavailable);
}

TEST_P(Frames, AnInstanceThatIsKilledDuringAnInvocationEndsByThatSignal) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  const Outcome outcome = Invoke(*instance, "signal:9");
  EXPECT_THAT(outcome, EndedBy(Ending::kSignaled));
  EXPECT_EQ(outcome.signal, SIGKILL);
}

TEST_P(Frames, AFrozenInstanceThawsForTheNextInvocation) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  for (int i = 1; i <= 20; ++i) {
    EXPECT_THAT(Invoke(*instance, "count"), Returned(std::to_string(i)));
    ASSERT_TRUE(instance->Freeze().ok());
    ASSERT_TRUE(instance->Freeze().ok());
    EXPECT_TRUE(instance->Reusable());
  }
}

TEST_P(Frames, AFrozenInstanceMayBeCancelledAndTimedOutLater) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  ASSERT_TRUE(instance->Freeze().ok());
  EXPECT_THAT(Invoke(*instance, "wait", LogSink::Null(),
                     Context::WithTimeout(std::chrono::milliseconds(50))),
              EndedBy(Ending::kTimeout));
}

TEST_P(Frames, AFrozenInstanceUsesNoCpu) {
  if (!HasCgroups()) GTEST_SKIP() << "cannot freeze without control groups";
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "spin"), Returned("null"));
  const pid_t pid = RuntimePid();
  // User and system time, in ticks of the kernel.
  const auto cpu = [&] {
    const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    unsigned long user = 0, system = 0;
    std::sscanf(stat.c_str() + stat.rfind(')'),
                ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return user + system;
  };
  unsigned long before = cpu();
  EXPECT_TRUE(WaitUntil([&] { return cpu() > before; })) << "it does not spin";
  ASSERT_TRUE(instance->Freeze().ok());
  // Freezing takes a moment; then the time stands still while ours goes on.
  const auto stands_still = [&] {
    before = cpu();
    const std::clock_t begin = std::clock();
    while (std::clock() - begin < CLOCKS_PER_SEC / 20) {
    }
    return cpu() == before;
  };
  EXPECT_TRUE(WaitUntil(stands_still));
  EXPECT_TRUE(stands_still());
  EXPECT_THAT(Invoke(*instance, "count"), Returned("1"));
  before = cpu();
  EXPECT_TRUE(WaitUntil([&] { return cpu() > before; })) << "it was not thawed";
}

TEST_P(Frames, ALogFloodBetweenInvocationsDoesNotDrownTheNextOne) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  EXPECT_THAT(Invoke(*instance, "flood-after"), Returned("null"));
  ASSERT_TRUE(SendSignal(RuntimePid(), SIGUSR1));
  const Result<Outcome> next = instance->Invoke(
      Context::WithTimeout(kHang), {.request_id = "2", .event = "count"}, LogSink::Null());
  if (next.ok()) {
    EXPECT_THAT(*next, EndedBy(Ending::kOutputLimit));
  } else {
    EXPECT_EQ(next.status().code(), kUnavailable);
  }
}

TEST_P(Frames, OnlyOneInvocationAtATimeIsTaken) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  Status nested;
  struct Nesting final : LogSink {
    void Write(std::string_view) override { then(); }
    std::function<void()> then{};
  } log;
  log.then = [&] { nested = TryInvoke(*instance); };
  EXPECT_THAT(Invoke(*instance, "log:x", log), Returned("null"));
  EXPECT_EQ(nested.code(), absl::StatusCode::kFailedPrecondition) << nested;
}

TEST_P(Frames, MemoryInUseAndUsageAreReported) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  const Outcome outcome = Invoke(*instance, "count");
  EXPECT_GT(instance->MemoryInUse(), 0u);
  EXPECT_GT(outcome.usage.wall, Duration::zero());
  EXPECT_GT(outcome.usage.peak_memory, 0u);
  EXPECT_LT(outcome.usage.peak_memory, 128u << 20);
}

TEST_P(Frames, AStopThatComesWithTheAnswerDoesNotKeepTheNextInvocationAwake) {
  const auto instance = Start(FrameServer());
  ASSERT_TRUE(instance);
  std::stop_source stop;
  // While "1" is passed on the rest is written, so that "2" and the answer are found at one look.
  class StopAtTwo final : public LogSink {
   public:
    StopAtTwo(std::function<bool()> go_on, std::stop_source& stop)
        : go_on_(std::move(go_on)), stop_(stop) {}
    void Write(std::string_view bytes) override {
      if (bytes == "1") {
        EXPECT_TRUE(go_on_());
      }
      if (bytes == "2") stop_.request_stop();
    }

   private:
    std::function<bool()> go_on_;
    std::stop_source& stop_;
  };
  StopAtTwo log([this] { return GoOnAfterTheAnswer(); }, stop);
  EXPECT_THAT(Invoke(*instance, "log-in-two", log, Context::WithStop(stop.get_token())),
              Returned("null"));
  ASSERT_TRUE(stop.stop_requested());

  const std::stop_source never;
  // How often it sleeps when it is looked at: time that it uses says little on a busy machine.
  std::atomic<bool> done = false;
  int looks = 0, asleep = 0;
  std::thread looker([&, path = "/proc/self/task/" + std::to_string(gettid()) + "/stat"] {
    for (; !done; std::this_thread::sleep_for(std::chrono::milliseconds(5)), ++looks) {
      const std::string stat = ReadFile(path);
      asleep += stat.substr(stat.rfind(')') + 1, 2) == " S" ? 1 : 0;
    }
  });
  EXPECT_THAT(Invoke(*instance, "shell:sleep 0.5", log, Context::WithStop(never.get_token())),
              Returned("\"\""));
  done = true;
  looker.join();
  EXPECT_GT(asleep, looks / 10) << "of " << looks;
}

}  // namespace
}  // namespace nanogrid
