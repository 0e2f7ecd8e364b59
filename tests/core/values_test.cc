// Context, clocks, endings, function values.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stop_token>

#include "core/request_id.h"
#include "nanogrid/clock.h"
#include "nanogrid/function_spec.h"
#include "nanogrid/job.h"
#include "nanogrid/observer.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

using std::chrono::milliseconds;

TEST(ContextTest, ADefaultOneNeverEnds) {
  const Context context;
  EXPECT_TRUE(context.Check(TimePoint::min()).ok());
  EXPECT_TRUE(context.Check(TimePoint::max() - Duration(1)).ok());
}

TEST(ContextTest, EndsAtItsDeadlineAndNotBefore) {
  const Context context{.deadline = TimePoint(milliseconds(10))};
  EXPECT_TRUE(context.Check(TimePoint(milliseconds(10)) - Duration(1)).ok());
  EXPECT_EQ(context.Check(TimePoint(milliseconds(10))).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(ContextTest, ATimeoutTooLongToRepresentIsNone) {
  EXPECT_EQ(Context::WithTimeout(Duration::max()).deadline, TimePoint::max());
  EXPECT_LT(Context::WithTimeout(std::chrono::hours(1)).deadline, TimePoint::max());
}

TEST(ContextTest, ANegativeTimeoutHasPassed) {
  for (const Duration timeout : {Duration::min(), Duration(-1), Duration(0)}) {
    EXPECT_EQ(Context::WithTimeout(timeout).Check(Clock::System().Now()).code(),
              absl::StatusCode::kDeadlineExceeded)
        << timeout.count();
  }
}

TEST(ContextTest, AStopRequestCancelsEvenPastTheDeadline) {
  const auto stop = std::make_unique<std::stop_source>();  // GCC 12 warns wrongly of a local one
  Context context = Context::WithStop(stop->get_token());
  EXPECT_TRUE(context.Check(TimePoint{}).ok());
  stop->request_stop();
  context.deadline = TimePoint{};
  EXPECT_EQ(context.Check(TimePoint{}).code(), absl::StatusCode::kCancelled);
}

TEST(ClockTest, TheSystemClocksAreTheMachines) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_GE(Clock::System().Now(), before);
  const auto wall = std::chrono::system_clock::now();
  EXPECT_LT(std::chrono::abs(Clock::System().WallNow() - wall), std::chrono::minutes(1));
}

TEST(ClockTest, AFakeClockMovesWhenTold) {
  FakeClock clock;
  const TimePoint now = clock.Now();
  const SystemTime wall = clock.WallNow();
  EXPECT_EQ(clock.Now(), now);
  clock.Advance(milliseconds(1500));
  EXPECT_EQ(clock.Now() - now, milliseconds(1500));
  EXPECT_EQ(clock.WallNow() - wall, milliseconds(1500));
}

TEST(JobTest, EveryEndingHasANameAndAState) {
  struct Case {
    Ending ending;
    std::string_view name;
    JobState state;
  };
  const Case cases[] = {
      {Ending::kReturned, "returned", JobState::kSuccess},
      {Ending::kException, "exception", JobState::kFailed},
      {Ending::kExited, "exited", JobState::kFailed},
      {Ending::kSignaled, "signaled", JobState::kFailed},
      {Ending::kTimeout, "timeout", JobState::kFailed},
      {Ending::kOutOfMemory, "out_of_memory", JobState::kFailed},
      {Ending::kTooManyProcesses, "too_many_processes", JobState::kFailed},
      {Ending::kOutputLimit, "output_limit", JobState::kFailed},
      {Ending::kViolation, "violation", JobState::kFailed},
      {Ending::kCancelled, "cancelled", JobState::kCancelled},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ToString(c.ending), c.name);
    EXPECT_EQ(StateOf(c.ending), c.state) << c.name;
  }
}

TEST(JobTest, StatesAndStartsHaveTheirNames) {
  EXPECT_EQ(ToString(JobState::kPending), "PENDING");
  EXPECT_EQ(ToString(JobState::kProcessing), "PROCESSING");
  EXPECT_EQ(ToString(JobState::kSuccess), "SUCCESS");
  EXPECT_EQ(ToString(JobState::kFailed), "FAILED");
  EXPECT_EQ(ToString(JobState::kCancelled), "CANCELLED");
  EXPECT_EQ(ToString(StartKind::kCold), "cold");
  EXPECT_EQ(ToString(StartKind::kWarm), "warm");
}

TEST(ObserverTest, NoneTakesEverything) {
  Observer& none = Observer::None();
  none.OnInvocationStart("f", 1, "id");
  none.OnInvocationEnd("f", 1, "id", Outcome{});
  none.OnInstanceStart("f", 1, Duration(1));
  none.OnInstanceStop("f", 1, "ended");
  none.OnError("here", absl::InternalError("x"));
  LogSink::Null().Write("dropped");
  EXPECT_EQ(&none, &Observer::None());
}

TEST(FunctionSpecTest, CodeSaysWhatItIs) {
  const Code file = Code::Inline("hello.py", "pass");
  EXPECT_EQ(file.kind, Code::Kind::kInline);
  EXPECT_EQ(file.name, "hello.py");
  EXPECT_EQ(file.bytes, "pass");
  EXPECT_EQ(Code::FromPath("/x").kind, Code::Kind::kPath);
  EXPECT_EQ(Code::FromPath("/x").name, "/x");
  EXPECT_EQ(Code::Zip("PK").kind, Code::Kind::kZip);
  EXPECT_EQ(Code::Zip("PK").bytes, "PK");
}

TEST(FunctionSpecTest, ADefinitionIsEverythingButNumberAndCreationTime) {
  const FunctionVersion original;
  const auto same_after = [&](auto change) {
    FunctionVersion changed = original;
    change(changed);
    return original.SameDefinition(changed);
  };
  EXPECT_TRUE(same_after([](FunctionVersion& v) { v.number = 9; }));
  EXPECT_TRUE(same_after([](FunctionVersion& v) { v.created += milliseconds(1); }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.name = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.code_digest = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.runtime = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.handler = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.env["x"] = "y"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.limits.max_output++; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.limits.max_files++; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.grants.network = Network::kHost; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.concurrency = 1; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.fresh = true; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.per_tenant = true; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.retry.max_attempts = 2; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.sandbox = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.image = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.root = "x"; }));
  EXPECT_FALSE(same_after([](FunctionVersion& v) { v.artifact_digest = "x"; }));
}

TEST(RequestIdTest, IsARandomUuid) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(MakeRequestId());
  EXPECT_EQ(ids.size(), 1000u);
  for (const std::string& id : ids) {
    ASSERT_EQ(id.size(), 36u);
    for (size_t i = 0; i < id.size(); ++i) {
      const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
      EXPECT_EQ(id[i] == '-', dash) << id;
      EXPECT_NE(std::string_view("0123456789abcdef-").find(id[i]), std::string_view::npos) << id;
    }
    EXPECT_EQ(id[14], '4') << id;
    EXPECT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos) << id;
  }
}

}  // namespace
}  // namespace nanogrid
