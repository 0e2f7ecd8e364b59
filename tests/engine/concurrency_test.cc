#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <thread>

#include "engine/engine_fixture.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

class Concurrency : public EngineTest {
 protected:
  // Invocations block until `release_` is set; `started_` is set by the first.
  void BlockInvocations() {
    sandbox_->on_invoke = [this](const FakeSandbox::Call& call) {
      started_.Set();
      if (!release_.Wait(call.context)) return EndedBy(call.context);
      return Returned("1");
    };
  }
  void WaitUntilWaiting(size_t count) {
    while (engine().GetStats().waiting != count) std::this_thread::yield();
  }
  FunctionSpec Limited(std::string name, uint32_t concurrency) {
    FunctionSpec spec = Spec(std::move(name));
    spec.concurrency = concurrency;
    return spec;
  }

  Event started_;
  Event release_;
};

TEST_F(Concurrency, NeverMoreThanTheFunctionsLimitRun) {
  Register(Limited("f", 3));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) EXPECT_THAT(Invoke("f"), IsOk());
    });
  }
  threads.clear();
  EXPECT_LE(sandbox_->most_running(), 3);
  EXPECT_LE(sandbox_->starts(), 3);
}

TEST_F(Concurrency, WaitingEndsWithTheStopToken) {
  BlockInvocations();
  Register(Limited("f", 1));
  std::jthread first([&] { EXPECT_THAT(Invoke("f"), IsOk()); });
  started_.Wait();
  std::stop_source stop;
  std::jthread second([&] {
    EXPECT_THAT(Invoke("f", "1", Context::WithStop(stop.get_token())),
                FailsWith(kCancelled, "waiting"));
  });
  WaitUntilWaiting(1);
  stop.request_stop();
  second.join();
  EXPECT_EQ(engine().GetStats().waiting, 0);
  release_.Set();
}

TEST_F(Concurrency, WaitingEndsAtTheDeadline) {
  BlockInvocations();
  Register(Limited("f", 1));
  std::jthread first([&] { EXPECT_THAT(Invoke("f"), IsOk()); });
  started_.Wait();
  EXPECT_THAT(Invoke("f", "1", Context::WithTimeout(1ms)), FailsWith(kDeadlineExceeded, ""));
  EXPECT_EQ(engine().GetStats().waiting, 0);
  release_.Set();
}

TEST_F(Concurrency, RunningEndsWithTheStopTokenAndTheInstanceIsGone) {
  BlockInvocations();
  Register(Spec("f"));
  std::stop_source stop;
  std::jthread canceller([&] {
    started_.Wait();
    stop.request_stop();
  });
  const auto outcome = Invoke("f", "1", Context::WithStop(stop.get_token()));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->ending, Ending::kCancelled);
  EXPECT_EQ(sandbox_->alive(), 0);
}

TEST_F(Concurrency, FunctionsTakeTurns) {
  parts_.scheduler.max_running = 1;
  std::mutex mutex;
  std::vector<std::string> order;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    started_.Set();
    release_.Wait(call.context);
    const std::lock_guard lock(mutex);
    order.push_back(call.package.name);
    return Returned("1");
  };
  Register(Spec("a"));
  Register(Spec("b"));
  std::vector<std::jthread> threads;
  size_t waiting = 0;
  const auto invoke = [&](const char* name) {
    threads.emplace_back([&, name] { EXPECT_THAT(Invoke(name), IsOk()); });
    if (threads.size() == 1) {
      started_.Wait();
    } else {
      WaitUntilWaiting(++waiting);
    }
  };
  for (const char* name : {"a", "a", "a", "a", "b", "b"}) invoke(name);
  release_.Set();
  threads.clear();
  const std::vector<std::string> fair = {"a", "a", "b", "a", "b", "a"};
  EXPECT_EQ(order, fair);
}

TEST_F(Concurrency, RemovalLetsWhatRunsEndAndKeepsNothing) {
  BlockInvocations();
  Register(Spec("f"));
  std::jthread running([&] { EXPECT_THAT(Invoke("f"), IsOk()); });
  started_.Wait();
  ASSERT_THAT(engine().Remove({}, "f"), IsOk());
  EXPECT_EQ(sandbox_->alive(), 1);
  release_.Set();
  running.join();
  EXPECT_EQ(sandbox_->alive(), 0);
}

TEST_F(Concurrency, DestructionCancelsWhatRunsAndWaits) {
  BlockInvocations();
  Register(Limited("f", 1));
  std::jthread running([&] {
    const auto outcome = engine().Invoke({}, {.function = "f"});
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->ending, Ending::kCancelled);
  });
  started_.Wait();
  std::stop_source stop;  // one more, which waits with a token of its own
  std::jthread waiting([&] {
    const auto outcome = engine().Invoke(Context::WithStop(stop.get_token()), {.function = "f"});
    // Admitted when the first had ended, or not at all.
    EXPECT_FALSE(outcome.ok() && outcome->ending == Ending::kReturned);
  });
  WaitUntilWaiting(1);
  engine_.reset();
  EXPECT_EQ(sandbox_->alive(), 0);
}

TEST_F(Concurrency, EightThreadsHammerRegisterInvokeCancelAndRemove) {
  constexpr unsigned kSeed = 20240607;
  SCOPED_TRACE(kSeed);
  parts_.scheduler = {.max_running = 5, .max_idle = 3, .keep_alive = 2ms, .freeze_after = 0ms};
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) -> Result<Outcome> {
    if (call.invocation.event == "0") return absl::UnavailableError("found dead");
    if (call.invocation.event == "1") return Outcome{.ending = Ending::kExited};
    return Returned(std::string(call.invocation.event));
  };
  for (const char* name : {"a", "b", "c"}) Register(Limited(name, 2));
  std::vector<std::jthread> threads;
  for (unsigned id = 0; id < 8; ++id) {
    threads.emplace_back([&, id] {
      std::mt19937 random(kSeed + id);
      for (int n = 0; n < 200; ++n) {
        const std::string name(1, static_cast<char>('a' + random() % 3));
        const unsigned act = random() % 20;
        if (act == 0) {
          EXPECT_THAT(engine().Remove({}, name), IsOk());
        } else if (act == 1) {
          EXPECT_THAT(engine().Register(Limited(name, 2)), IsOk());
        } else {
          std::stop_source stop;
          if (act == 2) stop.request_stop();
          const auto outcome =
              Invoke(name, std::to_string(act - 2), Context::WithStop(stop.get_token()));
          const auto code = outcome.status().code();
          EXPECT_TRUE(outcome.ok() || code == kNotFound || code == kUnavailable ||
                      code == kCancelled)
              << outcome.status();
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(engine().GetStats().running, 0);
  EXPECT_EQ(engine().GetStats().waiting, 0);
  EXPECT_LE(sandbox_->alive(), 3);
}

using Housekeeping = EngineTest;

TEST_F(Housekeeping, IdleInstancesAreFrozenThenRetired) {
  parts_.clock = &clock_;
  parts_.scheduler = {.keep_alive = 100s, .freeze_after = 1s};
  Register(Spec("f"));
  ASSERT_THAT(Invoke("f"), IsOk());
  EXPECT_EQ(sandbox_->freezes(), 0);
  clock_.Advance(1s);
  sandbox_->WaitForFreezes(1);
  clock_.Advance(98s);
  ASSERT_THAT(Invoke("f"), IsOk());  // warm, and idle anew
  EXPECT_EQ(sandbox_->starts(), 1);
  clock_.Advance(100s);
  sandbox_->WaitForAlive(0);
  EXPECT_EQ(engine().GetStats().idle, 0);
}

TEST_F(Housekeeping, RealTimeRetiresToo) {
  parts_.scheduler = {.keep_alive = 5ms, .freeze_after = 1ms};
  Register(Spec("f"));
  ASSERT_THAT(Invoke("f"), IsOk());
  sandbox_->WaitForAlive(0);
}

TEST_F(Housekeeping, SurplusIdleInstancesAreStopped) {
  parts_.scheduler.max_idle = 1;
  Register(Spec("a"));
  Register(Spec("b"));
  ASSERT_THAT(Invoke("a"), IsOk());
  ASSERT_THAT(Invoke("b"), IsOk());
  EXPECT_EQ(sandbox_->alive(), 1);
  EXPECT_EQ(Invoke("b")->start, StartKind::kWarm);
}

TEST_F(Housekeeping, UnderMemoryPressureIdleInstancesAreGivenUp) {
  parts_.min_available_memory = ~uint64_t{0};
  Register(Spec("f"));
  ASSERT_THAT(Invoke("f"), IsOk());
  sandbox_->WaitForAlive(0);
}

}  // namespace
}  // namespace nanogrid
