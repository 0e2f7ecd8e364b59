// What every Sandbox must do (sandbox.h). Build the program of sandbox_actor.h, put it where your
// sandbox can run it, and in one source file of a GoogleTest program, in namespace nanogrid:
//
//   #include "nanogrid/testing/sandbox_conformance.h"
//   SandboxAdapter Mine() {
//     return {.name = "mine",
//             .make = [] { return MakeMySandbox(); },
//             .actor = [] {
//               return FunctionPackage{.name = "actor", .version = 1, .code_dir = "/actors",
//                                      .command = {"/var/task/actor"}};
//             }};
//   }
//   INSTANTIATE_TEST_SUITE_P(Mine, SandboxConformance, testing::Values(Mine()));
//   INSTANTIATE_TEST_SUITE_P(Mine, SandboxConformanceFiles, testing::Values(Mine()));
//
// Time limits and the check that a result is JSON are the engine's, not asked here.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "nanogrid/testing/sandbox_conformance_files.h"
#include "nanogrid/testing/sandbox_conformance_fixture.h"

namespace nanogrid {

TEST_P(SandboxConformance, AnEventIsAnswered) {
  const Outcome outcome = Run(R"({"name": "Ada ä"})");
  EXPECT_EQ(outcome.ending, Ending::kReturned);
  EXPECT_EQ(outcome.result, R"({"name": "Ada ä"})");
  EXPECT_TRUE(outcome.result_is_json);
  EXPECT_GT(outcome.usage.wall, Duration::zero());
}

TEST_P(SandboxConformance, AnInstanceServesManyInvocations) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  for (int i = 1; i <= 50; ++i) {
    const Outcome outcome = Invoke(*instance, "\"count\"");
    EXPECT_EQ(outcome.result, std::to_string(i));
    EXPECT_EQ(outcome.start, i == 1 ? StartKind::kCold : StartKind::kWarm);
    ASSERT_TRUE(instance->Reusable());
  }
}

TEST_P(SandboxConformance, InstancesShareNothing) {
  const auto first = Start();
  const auto second = Start();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(Invoke(*first, "\"count\"").result, "1");
  EXPECT_EQ(Invoke(*second, "\"count\"").result, "1");
  EXPECT_EQ(Invoke(*first, "\"count\"").result, "2");
}

TEST_P(SandboxConformance, AnEventAndAResultMayBeLarge) {
  package_.limits.max_output = 16 << 20;
  const std::string event = "\"" + std::string(5 << 20, 'e') + "\"";
  const Outcome outcome = Run(event);
  EXPECT_EQ(outcome.ending, Ending::kReturned);
  EXPECT_TRUE(outcome.result == event);
}

TEST_P(SandboxConformance, TheEnvironmentIsThePackagesAndTheOutputDirectory) {
  package_.env["NANOGRID_OUTPUT"] = "/not/for/the/function/to/say";
  const std::string result = Run("\"env\"").result;
  for (const char* const expected :
       {R"("EMPTY=")", R"("GREETING=hello = world")", R"("NANOGRID_OUTPUT=/tmp/output")"}) {
    EXPECT_THAT(result, testing::HasSubstr(expected));
  }
  EXPECT_EQ(std::count(result.begin(), result.end(), ','), 2) << result;
}

TEST_P(SandboxConformance, WhatHeldTheFunctionIsSaidInOneLine) {
  const Outcome outcome = Run("1");
  EXPECT_THAT(outcome.isolation, testing::Not(testing::IsEmpty()));
  EXPECT_THAT(outcome.isolation, testing::Not(testing::HasSubstr("\n")));
  EXPECT_THAT(outcome.isolation, testing::Not(testing::HasSubstr("network=host")));
}

TEST_P(SandboxConformance, OutputIsTheLogAndNotTheResult) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  KeepingLog first;
  EXPECT_EQ(Invoke(*instance, "\"log\"", first).result, "\"logged\"");
  EXPECT_THAT(first.content, testing::HasSubstr("to stdout\n"));
  EXPECT_THAT(first.content, testing::HasSubstr("to stderr\n"));
  EXPECT_EQ(first.content.size(), 20u);
  KeepingLog second;
  EXPECT_EQ(Invoke(*instance, "\"log of a child\"", second).result, "\"logged\"");
  EXPECT_EQ(second.content, "from a child\n");
}

TEST_P(SandboxConformance, AnExceptionIsReportedAndTheInstanceGoesOn) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  const Outcome outcome = Invoke(*instance, "\"throw\"");
  EXPECT_EQ(outcome.ending, Ending::kException);
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->type, "Oops");
  EXPECT_EQ(outcome.error->message, "on purpose");
  ASSERT_TRUE(instance->Reusable());
  EXPECT_EQ(Invoke(*instance, "\"count\"").result, "2");
}

TEST_P(SandboxConformance, AnExitInTheMiddleIsReportedWithItsCode) {
  const Outcome outcome = Run("\"exit\"");
  EXPECT_EQ(outcome.ending, Ending::kExited);
  EXPECT_EQ(outcome.exit_code, 7);
}

TEST_P(SandboxConformance, ACrashIsReportedWithItsSignal) {
  const Outcome outcome = Run("\"crash\"");
  EXPECT_EQ(outcome.ending, Ending::kSignaled);
  EXPECT_NE(outcome.signal, 0);
}

TEST_P(SandboxConformance, TheDeadlineEndsAnInvocation) {
  constexpr Duration kTime = std::chrono::milliseconds(200);
  for (const char* event : {"\"spin\"", "\"sleep\"", "\"family\""}) {
    const Outcome outcome = Run(event, LogSink::Null(), Context::WithTimeout(kTime));
    EXPECT_EQ(outcome.ending, Ending::kTimeout) << event;
  }
}

TEST_P(SandboxConformance, AStopRequestEndsAnInvocation) {
  for (const char* event : {"\"spin\"", "\"sleep\"", "\"family\""}) {
    const auto stop = std::make_unique<std::stop_source>();
    KeepingLog log;
    log.on_write = [&] { stop->request_stop(); };  // as soon as it has started
    EXPECT_EQ(Run(event, log, Context::WithStop(stop->get_token())).ending, Ending::kCancelled)
        << event;
  }
}

TEST_P(SandboxConformance, AStopRequestFromAnotherThreadEndsAnInvocation) {
  const auto stop = std::make_unique<std::stop_source>();
  std::atomic<bool> started{false};
  const auto start = [&] {
    started = true;
    started.notify_one();
  };
  std::jthread stopper([&] {
    started.wait(false);
    stop->request_stop();
  });
  KeepingLog log;
  log.on_write = start;
  EXPECT_EQ(Run("\"sleep\"", log, Context::WithStop(stop->get_token())).ending, Ending::kCancelled);
  start();  // also if the function never did
}

TEST_P(SandboxConformance, AContextThatHasEndedRunsNothing) {
  const auto stop = std::make_unique<std::stop_source>();
  stop->request_stop();
  EXPECT_EQ(Run("\"sleep\"", LogSink::Null(), Context::WithStop(stop->get_token())).ending,
            Ending::kCancelled);
}

TEST_P(SandboxConformance, TooMuchOutputEndsAnInvocation) {
  package_.limits.max_output = 64 << 10;
  KeepingLog log;
  const Outcome flood = Run("\"flood\"", log);
  EXPECT_EQ(flood.ending, Ending::kOutputLimit);
  EXPECT_TRUE(flood.log_truncated);
  EXPECT_LE(log.content.size(), package_.limits.max_output);
  EXPECT_EQ(Run("\"large\"").ending, Ending::kOutputLimit);
}

TEST_P(SandboxConformance, TooMuchMemoryEndsAnInvocation) {
  if (!GetParam().no_memory_limit.empty()) GTEST_SKIP() << GetParam().no_memory_limit;
  package_.limits.memory = 32 << 20;
  EXPECT_EQ(Run("\"hog\"").ending, Ending::kOutOfMemory);
  EXPECT_EQ(Run("\"well\"").ending, Ending::kReturned);
}

TEST_P(SandboxConformance, TooManyProcessesEndAnInvocation) {
  if (!GetParam().no_process_limit.empty()) GTEST_SKIP() << GetParam().no_process_limit;
  package_.limits.max_processes = 16;
  EXPECT_EQ(Run("\"fork\"").ending, Ending::kTooManyProcesses);
  EXPECT_EQ(Run("\"well\"").ending, Ending::kReturned);
}

TEST_P(SandboxConformance, AFrozenInstanceIsThawedByItsNextInvocation) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  EXPECT_TRUE(instance->Freeze().ok());  // before it ever ran
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(Invoke(*instance, "\"count\"").result, std::to_string(i));
    EXPECT_TRUE(instance->Freeze().ok());
    EXPECT_TRUE(instance->Freeze().ok());
    EXPECT_TRUE(instance->Reusable());
  }
}

TEST_P(SandboxConformance, ADestroyedInstanceIsDead) {
  Start();  // never used
  const auto frozen = [&] {
    auto instance = Start();
    Invoke(*instance, "null");
    EXPECT_TRUE(instance->Freeze().ok());
    return instance;
  };
  frozen();
  ExpectNoProcess();
}

TEST_P(SandboxConformance, APackageThatCannotBeStartedIsAnErrorOrAFailedInvocation) {
  package_.command = {"/no/such/program"};
  const Result<std::unique_ptr<Instance>> instance = sandbox_->Start(Context{}, package_);
  if (instance.ok()) {
    const Result<Outcome> outcome =
        (*instance)->Invoke(Context{}, {.request_id = "r", .event = "1"}, LogSink::Null());
    EXPECT_TRUE(!outcome.ok() || outcome->ending != Ending::kReturned);
    EXPECT_FALSE((*instance)->Reusable());
  }
}

TEST_P(SandboxConformance, AStdioProgramServesOneInvocation) {
  UseStdio();
  const std::string event("any \0 bytes \xff\n", 14);
  const Outcome outcome = Run(event);
  EXPECT_EQ(outcome.ending, Ending::kReturned);
  EXPECT_EQ(outcome.result, event);
  EXPECT_FALSE(outcome.result_is_json);
  ExpectNoProcess();
}

TEST_P(SandboxConformance, AStdioProgramsEndingsAreTold) {
  UseStdio();
  const Outcome exited = Run("\"exit\"");
  EXPECT_EQ(exited.ending, Ending::kExited);
  EXPECT_EQ(exited.exit_code, 7);
  EXPECT_EQ(Run("\"crash\"").ending, Ending::kSignaled);
  KeepingLog log;
  EXPECT_EQ(Run("\"log\"", log).result, "to stdout\n\"logged\"");
  EXPECT_EQ(log.content, "to stderr\n");
  package_.limits.max_output = 64 << 10;
  EXPECT_EQ(Run("\"flood\"").ending, Ending::kOutputLimit);
  const Context context = Context::WithTimeout(std::chrono::milliseconds(200));
  EXPECT_EQ(Run("\"spin\"", LogSink::Null(), context).ending, Ending::kTimeout);
}

TEST_P(SandboxConformance, ManyThreadsStartAndInvoke) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 3; ++round) {
        const auto instance = Start();
        if (!instance) return;
        for (int i = 0; i < 5; ++i) {
          const std::string event = "[" + std::to_string(thread) + "," + std::to_string(i) + "]";
          EXPECT_EQ(Invoke(*instance, event).result, event);
        }
        EXPECT_TRUE(instance->Freeze().ok());
        (void)instance->MemoryInUse();
      }
    });
  }
  threads.clear();  // joins
  ExpectNoProcess();
}

}  // namespace nanogrid
