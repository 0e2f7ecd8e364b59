#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

struct Case {
  std::function<void(FunctionSpec&)> change;
  std::string message;  // empty: valid
};

void Check(const std::vector<Case>& cases,
           absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  for (const Case& c : cases) {
    FunctionSpec spec;
    spec.name = "f";
    c.change(spec);
    const Status status = ValidateSpec(spec);
    EXPECT_EQ(status.code(), c.message.empty() ? absl::StatusCode::kOk : code)
        << c.message << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
}

TEST(ValidateSpecTest, TheDefaultsAreValid) {
  Check({{[](FunctionSpec&) {}, ""}});
}

TEST(ValidateSpecTest, ANameIsWithinItsLetters) {
  std::vector<Case> cases;
  for (const std::string& name : {std::string("f"), std::string("A-z_9"), std::string(64, 'x')}) {
    cases.push_back({[name](FunctionSpec& spec) { spec.name = name; }, ""});
  }
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a.b"),
                                  std::string("../x"), std::string("ä"), std::string(65, 'x')}) {
    cases.push_back(
        {[name](FunctionSpec& spec) { spec.name = name; }, "name '" + name + "': must be 1 to 64"});
  }
  Check(cases);
}

TEST(ValidateSpecTest, LimitsHaveBounds) {
  const auto limits = [](auto change) {
    return [change](FunctionSpec& spec) { change(spec.limits); };
  };
  Check({
      {limits([](Limits& l) { l.memory = 4 << 20; }), ""},
      {limits([](Limits& l) { l.memory = (4 << 20) - 1; }), "memory 4194303: must be 4M to 16T"},
      {limits([](Limits& l) { l.memory = ~0ull; }), "memory"},
      {limits([](Limits& l) { l.cpus = 0.01; }), ""},
      {limits([](Limits& l) { l.cpus = 0.009; }), "cpus 0.009: must be 0.01 to 1024"},
      {limits([](Limits& l) { l.cpus = -1; }), "cpus -1"},
      {limits([](Limits& l) { l.cpus = NAN; }), "cpus nan"},
      {limits([](Limits& l) { l.cpus = INFINITY; }), "cpus inf"},
      {limits([](Limits& l) { l.timeout = 1ms; }), ""},
      {limits([](Limits& l) { l.timeout = 10'000 * 24h; }), ""},
      {limits([](Limits& l) { l.timeout = 0s; }), "timeout 0s: must be 1ms to 10000d"},
      {limits([](Limits& l) { l.timeout = -1s; }), "timeout -1s"},
      {limits([](Limits& l) { l.timeout = Duration::max(); }), "timeout"},
      {limits([](Limits& l) { l.tmp_size = 4096; }), ""},
      {limits([](Limits& l) { l.tmp_size = 0; }), "tmp_size 0: must be 4K to 16T"},
      {limits([](Limits& l) { l.max_processes = 1; }), ""},
      {limits([](Limits& l) { l.max_processes = 0; }), "max_processes 0: must be 1 to 32768"},
      {limits([](Limits& l) { l.max_processes = 32769; }), "max_processes 32769"},
      {limits([](Limits& l) { l.max_open_files = 16; }), ""},
      {limits([](Limits& l) { l.max_open_files = 15; }), "max_open_files 15"},
      {limits([](Limits& l) { l.max_output = 1 << 30; }), ""},
      {limits([](Limits& l) { l.max_output = (1 << 30) + 1; }), "max_output"},
      {limits([](Limits& l) { l.max_output = 1; }), "max_output 1: must be 1K to 1G"},
      {limits([](Limits& l) { l.max_files = 0; }), ""},
      {limits([](Limits& l) { l.max_files = 100'001; }), "max_files 100001"},
  });
}

TEST(ValidateSpecTest, RetriesHaveBounds) {
  const auto retry = [](auto change) {
    return [change](FunctionSpec& spec) { change(spec.retry); };
  };
  Check({
      {retry([](RetryPolicy& r) {
         r = {1000, 0s, 24h * 365, 1ms};
       }),
       ""},
      {retry([](RetryPolicy& r) { r.max_attempts = 0; }),
       "max_attempts: 0, must be from 1 to 1000"},
      {retry([](RetryPolicy& r) { r.max_attempts = 1001; }), "max_attempts: 1001"},
      {retry([](RetryPolicy& r) { r.backoff = 24h * 366; }), "backoff: 366d, must be"},
      {retry([](RetryPolicy& r) { r.max_backoff = 24h * 366; }), "max_backoff: 366d"},
      {retry([](RetryPolicy& r) { r.max_age = 0s; }), "max_age: 0s, must be at least 1ms"},
  });
}

TEST(ValidateSpecTest, TheEnvironmentIsOneAProgramCanBeGiven) {
  const auto env = [](const std::string& name, const std::string& value) {
    return [=](FunctionSpec& spec) { spec.env[name] = value; };
  };
  Check({
      {env("_A9", "any = text\n"), ""},
      {env("", "x"), "env ''"},
      {env("9A", "x"), "env '9A': a name must"},
      {env("A-B", "x"), "env 'A-B': a name must"},
      {env("A=B", "x"), "env 'A=B'"},
      {env("Ä", "x"), "env 'Ä'"},
      {env("A", std::string("x\0y", 3)), "env 'A': a value must not have NUL"},
      {env("A", std::string(65536 - 3, 'x')), ""},
      {env("A", std::string(65536 - 2, 'x')), "env of 65537 bytes: at most 65536"},
  });
}

TEST(ValidateSpecTest, AnEnvironmentValueIsNeverShown) {
  FunctionSpec spec;
  spec.name = "f";
  spec.env["A"] = std::string("secret\0", 7);
  EXPECT_THAT(std::string(ValidateSpec(spec).message()), testing::Not(HasSubstr("secret")));
}

TEST(ValidateSpecTest, TextsAreShortAndPrintable) {
  Check({
      {[](FunctionSpec& spec) { spec.handler = "main.handler"; }, ""},
      {[](FunctionSpec& spec) { spec.handler = std::string(513, 'h'); },
       "handler of 513 bytes: at most 512"},
      {[](FunctionSpec& spec) { spec.handler = std::string("a\0b", 3); }, "handler: must not have"},
      {[](FunctionSpec& spec) { spec.runtime = "a\nb"; }, "runtime: must not have"},
      {[](FunctionSpec& spec) { spec.root = "relative"; }, "root 'relative': must be an absolute"},
      {[](FunctionSpec& spec) { spec.root = "/srv/root"; }, ""},
      {[](FunctionSpec& spec) { spec.sandbox = ""; }, "sandbox ''"},
  });
}

TEST(ValidateSpecTest, AnImageIsForDockerAndARootForLinux) {
  const auto docker = [](FunctionSpec& spec) { spec.sandbox = "docker"; };
  Check({
      {docker, ""},
      {[&](FunctionSpec& spec) { docker(spec), spec.image = "debian:12"; }, ""},
      {[&](FunctionSpec& spec) { docker(spec), spec.image = std::string(256, 'i'); },
       "image of 256 bytes: at most 255"},
      {[&](FunctionSpec& spec) { docker(spec), spec.image = "a\nb"; }, "image: must not have"},
      {[&](FunctionSpec& spec) { docker(spec), spec.root = "/srv/root"; },
       "root '/srv/root': sandbox docker"},
      {[](FunctionSpec& spec) { spec.image = "debian:12"; }, "image 'debian:12': sandbox linux"},
  });
}

}  // namespace
}  // namespace nanogrid
