// What the parts of the suite in sandbox_conformance.h share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "nanogrid/sandbox.h"

namespace nanogrid {

struct SandboxAdapter {
  std::string name{};
  // FailedPrecondition: this machine has not what it takes; its tests are skipped and say so.
  std::function<Result<std::unique_ptr<Sandbox>>()> make{};
  std::function<FunctionPackage()> actor{};
  // Empty: the limit is enforced. Else the reason why not, and its test is skipped.
  std::string no_memory_limit{};
  std::string no_process_limit{};
  // How many processes of the sandbox there are, if the adapter can tell.
  std::function<size_t()> count_processes{};
};
inline void PrintTo(const SandboxAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class SandboxConformance : public testing::TestWithParam<SandboxAdapter> {
 protected:
  using Code = absl::StatusCode;

  struct KeepingLog final : LogSink {
    void Write(std::string_view bytes) override {
      content += bytes;
      if (on_write) on_write();
    }
    std::string content{};
    std::function<void()> on_write{};
  };

  void SetUp() override {
    Result<std::unique_ptr<Sandbox>> sandbox = GetParam().make();
    if (sandbox.status().code() == Code::kFailedPrecondition) {
      GTEST_SKIP() << sandbox.status().message();
    }
    ASSERT_TRUE(sandbox.ok()) << sandbox.status();
    sandbox_ = *std::move(sandbox);
    package_ = GetParam().actor();
    package_.protocol = Protocol::kFrames;
    package_.env = {{"GREETING", "hello = world"}, {"EMPTY", ""}};
  }

  void UseStdio() {
    package_.protocol = Protocol::kStdio;
    package_.result_is_json = false;
    package_.command.push_back("stdio");
  }

  std::unique_ptr<Instance> Start() {
    Result<std::unique_ptr<Instance>> instance = sandbox_->Start(Context{}, package_);
    EXPECT_TRUE(instance.ok()) << instance.status();
    return instance.ok() ? *std::move(instance) : nullptr;
  }
  Outcome Invoke(Instance& instance, std::string_view event, LogSink& log = LogSink::Null(),
                 const Context& context = {}) {
    Result<Outcome> outcome =
        instance.Invoke(context, {.request_id = "request", .event = event}, log);
    EXPECT_TRUE(outcome.ok()) << event << ": " << outcome.status();
    return outcome.ok() ? *outcome : Outcome{.ending = Ending::kViolation};
  }
  // Stop sources are on the heap: GCC 12 warns wrongly of local ones (maybe-uninitialized).

  // One invocation on an instance of its own, which must not be used again after a bad ending.
  Outcome Run(std::string_view event, LogSink& log = LogSink::Null(), const Context& context = {}) {
    const std::unique_ptr<Instance> instance = Start();
    if (!instance) return {.ending = Ending::kViolation};
    Outcome outcome = Invoke(*instance, event, log, context);
    const bool good = outcome.ending == Ending::kReturned || outcome.ending == Ending::kException;
    EXPECT_EQ(instance->Reusable(), good && package_.protocol == Protocol::kFrames);
    EXPECT_EQ(outcome.error.has_value(), outcome.ending != Ending::kReturned);
    if (!good) ExpectNoProcess();
    return outcome;
  }
  void ExpectNoProcess() {
    if (GetParam().count_processes) {
      EXPECT_EQ(GetParam().count_processes(), 0u);
    }
  }

  std::unique_ptr<Sandbox> sandbox_;
  FunctionPackage package_;
};

// Compared by name in messages.
inline void PrintTo(Ending ending, std::ostream* out) { *out << ToString(ending); }

}  // namespace nanogrid
