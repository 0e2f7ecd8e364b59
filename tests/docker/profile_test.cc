// The profile that engines get says what the policy says, rule by rule.
#include <errno.h>
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "sandbox/docker/seccomp_profile.h"
#include "sandbox/seccomp/policy.h"

namespace nanogrid::docker {
namespace {

namespace json = boost::json;
using seccomp::Action;

json::object Profile() {
  const std::string_view text = SeccompProfile();
  return json::parse({text.data(), text.size()}).as_object();
}

std::string TextOf(const json::value& value) { return value.as_string().c_str(); }

std::string Line(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) line.append(part).append(" ");
  return line;
}

// A rule as both sides would write it.
std::string Line(std::string_view name, std::string_view action, int64_t error,
                 const std::string& conditions) {
  return Line({std::string(name), std::string(action), std::to_string(error), conditions});
}
std::string Condition(uint64_t argument, uint64_t mask, uint64_t value) {
  return Line({"if", std::to_string(argument), std::to_string(mask), std::to_string(value)});
}

std::multiset<std::string> RulesOfPolicy() {
  std::multiset<std::string> lines;
  for (const auto& group : seccomp::Policy()) {
    for (const auto& rule : group.rules) {
      const bool allow = rule.action == Action::kAllow, kill = rule.action == Action::kKill;
      const int error = rule.action == Action::kDeny      ? EPERM
                        : rule.action == Action::kMissing ? ENOSYS
                                                          : 0;
      std::string conditions;
      for (const seccomp::Condition& one : rule.conditions) {
        if (one.mask == 0) continue;
        conditions += Condition(static_cast<uint64_t>(one.argument), one.mask, one.value);
      }
      lines.insert(Line(rule.syscall,
                        allow  ? "SCMP_ACT_ALLOW"
                        : kill ? "SCMP_ACT_KILL_PROCESS"
                               : "SCMP_ACT_ERRNO",
                        error, conditions));
    }
  }
  return lines;
}

TEST(SeccompProfile, HasEveryRuleOfThePolicyAndBesidesOnlyMissingCalls) {
  std::multiset<std::string> expected = RulesOfPolicy();
  ASSERT_GT(expected.size(), 300u);
  std::set<std::string> named;
  for (const auto& group : seccomp::Policy()) {
    for (const auto& rule : group.rules) named.insert(rule.syscall);
  }
  const json::object profile = Profile();
  for (const json::value& entry : profile.at("syscalls").as_array()) {
    const json::object& rule = entry.as_object();
    const json::value* const error = rule.if_contains("errnoRet");
    const json::value* const arguments = rule.if_contains("args");
    std::string conditions;
    if (arguments != nullptr) {
      for (const json::value& each : arguments->as_array()) {
        const json::object& condition = each.as_object();
        EXPECT_EQ(TextOf(condition.at("op")), "SCMP_CMP_MASKED_EQ");
        conditions += Condition(condition.at("index").to_number<uint64_t>(),
                                condition.at("value").to_number<uint64_t>(),
                                condition.at("valueTwo").to_number<uint64_t>());
      }
    }
    for (const json::value& name : rule.at("names").as_array()) {
      const std::string line = Line(TextOf(name), TextOf(rule.at("action")),
                                    error == nullptr ? 0 : error->to_number<int64_t>(), conditions);
      if (const auto found = expected.find(line); found != expected.end()) {
        expected.erase(found);
        continue;
      }
      EXPECT_FALSE(named.contains(TextOf(name))) << line << " is not in the policy";
      EXPECT_EQ(line, Line(TextOf(name), "SCMP_ACT_ERRNO", ENOSYS, ""));
    }
  }
  EXPECT_THAT(expected, testing::IsEmpty()) << "rules that the profile has not";
}

TEST(SeccompProfile, KnowsOneArchitectureAndAllowsNothingByDefault) {
  const json::object profile = Profile();
  EXPECT_EQ(json::serialize(profile.at("architectures")), R"(["SCMP_ARCH_X86_64"])");
  EXPECT_EQ(TextOf(profile.at("defaultAction")), "SCMP_ACT_ERRNO");
  EXPECT_EQ(profile.at("defaultErrnoRet").to_number<int>(), ENOSYS);
  EXPECT_FALSE(profile.contains("archMap"));
}

TEST(SeccompProfile, NamesClone3ForEnginesThatIgnoreTheDefault) {
  bool found = false;
  const json::object profile = Profile();
  for (const json::value& rule : profile.at("syscalls").as_array()) {
    for (const json::value& name : rule.at("names").as_array()) {
      if (TextOf(name) != "clone3") continue;
      found = true;
      EXPECT_EQ(rule.at("errnoRet").to_number<int>(), ENOSYS);
    }
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace nanogrid::docker
