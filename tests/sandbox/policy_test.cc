// The policy, rule by rule, as the kernel applies it: a program inside makes each call with
// arguments that meet a rule and with some that do not. What must come of it is taken from
// Policy().
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "sandbox/modes.h"
#include "sandbox/sandbox_test_support.h"
#include "sandbox/seccomp/policy.h"

namespace nanogrid {
namespace {

using seccomp::Action;
using seccomp::Condition;
using seccomp::Rule;
using Arguments = std::array<uint64_t, 6>;

constexpr long kNumbers = 600;  // more than there are system calls
constexpr uint64_t kX32 = 0x40000000;
// The kernel answers these before it asks any filter, and kills who was not told to make them.
const std::set<std::string> kUnfiltered = {"uretprobe", "uprobe"};

std::vector<Rule> AllRules() {
  std::vector<Rule> rules;
  for (const seccomp::Group& group : seccomp::Policy()) {
    rules.insert(rules.end(), group.rules.begin(), group.rules.end());
  }
  return rules;
}

// Negative if this machine's libseccomp does not know the call.
int NumberOf(const std::string& name) { return seccomp_syscall_resolve_name(name.c_str()); }

bool Holds(const Rule& rule, const Arguments& arguments) {
  return std::all_of(rule.conditions.begin(), rule.conditions.end(), [&](const Condition& one) {
    return (arguments[static_cast<size_t>(one.argument)] & one.mask) == one.value;
  });
}

bool HasCondition(const Rule& rule) {
  return std::any_of(rule.conditions.begin(), rule.conditions.end(),
                     [](const Condition& one) { return one.mask != 0; });
}

// As given, but for what the rule wants of them.
Arguments Meeting(const Rule& rule, Arguments arguments) {
  for (const Condition& one : rule.conditions) {
    if (one.mask != 0) arguments[static_cast<size_t>(one.argument)] = one.value;
  }
  return arguments;
}

// What the policy says of a call; nothing if its rules contradict each other.
std::optional<Action> Verdict(const std::string& name, const Arguments& arguments,
                              bool without_cgroups) {
  const auto hidden = seccomp::HiddenMemory();
  if (without_cgroups && std::find(hidden.begin(), hidden.end(), name) != hidden.end()) {
    return Action::kMissing;
  }
  std::optional<Action> verdict;
  for (const Rule& rule : AllRules()) {
    if (name != rule.syscall || !Holds(rule, arguments)) continue;
    if (verdict && *verdict != rule.action) return std::nullopt;
    verdict = rule.action;
  }
  return verdict.value_or(Action::kMissing);
}

struct Call {
  std::string how;  // as programs/prober.cc reads it
  std::string name;
  uint64_t number;
  Arguments arguments;
  Action expected;
};
std::string LineOf(const Call& call) {
  std::ostringstream line;
  line << call.how << " " << call.number;
  for (const uint64_t argument : call.arguments) line << " " << argument;
  return line.str();
}

// Arguments that no call makes anything of: bad pointers, descriptors, flags.
Arguments Bad() {
  Arguments arguments;
  arguments.fill(~uint64_t{0});
  return arguments;
}

// For each condition: values that meet it, with whatever in the bits that it does not look at, and
// values that miss it by one bit, while all others are met.
std::vector<Arguments> Variants(const Rule& rule) {
  if (!HasCondition(rule)) return {Bad(), Arguments{}};
  std::vector<Arguments> variants;
  for (const Condition& one : rule.conditions) {
    if (one.mask == 0) continue;
    const auto add = [&](uint64_t value) {
      for (const Arguments& others : {Bad(), Arguments{}}) {
        Arguments arguments = Meeting(rule, others);
        arguments[static_cast<size_t>(one.argument)] = value;
        variants.push_back(arguments);
      }
    };
    add(one.value);
    add(one.value | ~one.mask);
    add(one.value | (~one.mask & 0xdeadbeef00000000));
    for (int bit = 0; bit < 64; ++bit) add(one.value ^ uint64_t{1} << bit);
  }
  return variants;
}

class PolicyTest : public testing::TestWithParam<ModeIndex> {
 protected:
  void SetUp() override {
    const Mode& mode = GetMode(GetParam());
    if (!mode.missing.empty()) GTEST_SKIP() << mode.missing;
    Result<std::unique_ptr<Sandbox>> sandbox = mode.make();
    ASSERT_TRUE(sandbox.ok()) << sandbox.status();
    sandbox_ = *std::move(sandbox);
  }
  std::vector<std::string> Answers(const std::vector<Call>& calls) {
    FunctionPackage package;
    package.name = "prober";
    package.version = 1;
    package.code_dir = ProgramDirectory();
    package.command = {"/var/task/prober"};
    package.protocol = Protocol::kStdio;
    package.result_is_json = false;
    package.image = GetMode(GetParam()).image;
    auto instance = sandbox_->Start(Context::WithTimeout(kHang), package);
    EXPECT_TRUE(instance.ok()) << instance.status();
    if (!instance.ok()) return std::vector<std::string>(calls.size());
    std::string event;
    for (const Call& call : calls) event += LineOf(call) + "\n";
    const Outcome outcome = Invoke(**instance, event, LogSink::Null(), {});
    EXPECT_THAT(outcome, EndedBy(Ending::kReturned));
    std::vector<std::string> answers = Lines(outcome.result);
    EXPECT_EQ(answers.size(), calls.size());
    answers.resize(calls.size());
    return answers;
  }
  void ExpectAsThePolicySays(const std::vector<Call>& calls);
  static bool WithoutCgroups() {
    const std::vector<std::string>& is = GetMode(GetParam()).statements;
    return std::find(is.begin(), is.end(), "without-cgroups") != is.end();
  }

 private:
  std::unique_ptr<Sandbox> sandbox_;
};
INSTANTIATE_TEST_SUITE_P(Modes, PolicyTest,
                         testing::Values(kRootMode, kRootWithoutCgroupsMode, kRootlessMode,
                                         kDockerMode),
                         [](const auto& tested) {
                           std::string name = GetMode(tested.param).name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What the kernel itself answers to a call that the policy allows.
std::string AnswerOutside(const Call& call) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(1);
    const Arguments& a = call.arguments;
    const long result = syscall(static_cast<long>(call.number), a[0], a[1], a[2], a[3], a[4], a[5]);
    _exit(result < 0 ? errno : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? std::to_string(WEXITSTATUS(status)) : "signal";
}

void PolicyTest::ExpectAsThePolicySays(const std::vector<Call>& calls) {
  const std::string denied = std::to_string(EPERM), missing = std::to_string(ENOSYS);
  const std::string killed = "signal " + std::to_string(SIGSYS);
  const std::vector<std::string> answers = Answers(calls);
  for (size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    const std::string& answer = answers[i];
    const std::string what = call.name + ": " + LineOf(call);
    if (kUnfiltered.contains(call.name)) continue;
    switch (call.expected) {
      case Action::kDeny:
        EXPECT_EQ(answer, denied) << what;
        break;
      case Action::kMissing:
        // Docker before version 23 knows one answer only for what its profile does not name.
        EXPECT_TRUE(answer == missing || (GetParam() == kDockerMode && answer == denied))
            << what << ": " << answer;
        break;
      case Action::kKill:
        EXPECT_EQ(answer, killed) << what;
        break;
      case Action::kAllow:
        if (call.how == "traced") {
          EXPECT_EQ(answer, missing) << what << " (allowed)";
        } else {
          EXPECT_NE(answer, killed) << what;
          // Not ours, unless the kernel says so anyway.
          EXPECT_TRUE(answer != missing || AnswerOutside(call) == missing) << what;
        }
        break;
    }
  }
}

TEST_P(PolicyTest, EveryRuleIsAppliedToEveryArgumentThatMeetsItAndToNoOther) {
  std::vector<Call> calls;
  std::set<std::string> seen;
  for (const Rule& rule : AllRules()) {
    const int number = NumberOf(rule.syscall);
    if (number < 0) continue;
    for (const Arguments& arguments : Variants(rule)) {
      const auto verdict = Verdict(rule.syscall, arguments, WithoutCgroups());
      ASSERT_TRUE(verdict) << "rules of " << rule.syscall << " contradict each other";
      Call call = {"traced", rule.syscall, static_cast<uint64_t>(number), arguments, *verdict};
      if (!seen.insert(LineOf(call)).second) continue;
      calls.push_back(call);
      // Really made: what is refused, and what is allowed where nothing can come of it.
      if (*verdict == Action::kAllow && arguments != Bad()) continue;
      call.how = *verdict == Action::kAllow ? "call" : "refused";
      calls.push_back(call);
    }
  }
  EXPECT_GT(calls.size(), 1000);
  ExpectAsThePolicySays(calls);
}

// An allowed call with a condition cannot be made with bad arguments only; it is made with one
// good.
TEST_P(PolicyTest, CallsThatAreAllowedUnderAConditionAreCarriedOut) {
  std::vector<Call> calls;
  for (const Rule& rule : AllRules()) {
    if (!HasCondition(rule) || rule.action != Action::kAllow || NumberOf(rule.syscall) < 0)
      continue;
    calls.push_back({"call", rule.syscall, static_cast<uint64_t>(NumberOf(rule.syscall)),
                     Meeting(rule, Bad()), Action::kAllow});
  }
  ExpectAsThePolicySays(calls);
}

TEST_P(PolicyTest, NumbersThatNoRuleNamesDoNotExist) {
  std::set<long> named;
  for (const Rule& rule : AllRules()) named.insert(NumberOf(rule.syscall));
  std::vector<Call> calls;
  for (long number = 0; number <= kNumbers; ++number) {
    if (named.contains(number) || number == 335 || number == 336) continue;  // see kUnfiltered
    calls.push_back({"refused", "unnamed", static_cast<uint64_t>(number), Bad(), Action::kMissing});
    calls.push_back({"refused", "unnamed", static_cast<uint64_t>(number), {}, Action::kMissing});
  }
  EXPECT_GT(calls.size(), 100);
  ExpectAsThePolicySays(calls);
}

TEST_P(PolicyTest, EveryCallOfAForeignAbiKills) {
  std::vector<Call> calls;
  for (uint64_t number = 0; number <= kNumbers; ++number) {
    calls.push_back({"refused", "x32", number | kX32, Bad(), Action::kKill});
    calls.push_back({"i386", "i386", number, Bad(), Action::kKill});
  }
  ExpectAsThePolicySays(calls);
}

// Or else an allowed call whose process the machine let wait would answer for the next one.
TEST_P(PolicyTest, WhatACallMadeDoesNotAnswerForTheCallAfterIt) {
  const auto fork = static_cast<uint64_t>(NumberOf("fork"));
  const auto pause = static_cast<uint64_t>(NumberOf("pause"));
  EXPECT_THAT(Answers({{"late", "fork", fork, Bad(), Action::kAllow},
                       {"call", "pause", pause, Bad(), Action::kAllow}}),
              testing::ElementsAre("0", "hung"));
}

TEST(PolicyData, EveryCallThatIsDeniedOrKilledIsKnownToTheFiltersCompiler) {
  for (const Rule& rule : AllRules()) {
    if (rule.action == Action::kAllow || rule.action == Action::kMissing) continue;
    // Removed from Linux before libseccomp knew them.
    if (std::string(rule.syscall) == "create_module") continue;
    EXPECT_GE(NumberOf(rule.syscall), 0) << rule.syscall;
  }
}

TEST(PolicyData, EveryGroupHasAReasonAndNoRuleIsThereTwice) {
  std::set<std::string> seen;
  for (const seccomp::Group& group : seccomp::Policy()) {
    EXPECT_GT(std::string(group.reason).size(), 3);
    for (const Rule& rule : group.rules) {
      std::ostringstream key;
      key << rule.syscall;
      for (const Condition& one : rule.conditions) {
        key << " " << one.argument << " " << one.mask << " " << one.value;
        EXPECT_EQ(one.value & ~one.mask, 0) << key.str() << " can never hold";
      }
      EXPECT_TRUE(seen.insert(key.str()).second) << key.str();
    }
  }
}

}  // namespace
}  // namespace nanogrid
