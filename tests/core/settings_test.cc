#include "nanogrid/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace nanogrid {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using namespace std::chrono_literals;

FunctionVersion VersionOf(const FunctionSpec& spec) {
  FunctionVersion version;
  version.runtime = spec.runtime;
  version.handler = spec.handler;
  version.env = spec.env;
  version.limits = spec.limits;
  version.grants = spec.grants;
  version.concurrency = spec.concurrency;
  version.sandbox = spec.sandbox;
  version.image = spec.image;
  version.root = spec.root;
  return version;
}
bool SameSettings(const FunctionSpec& a, const FunctionSpec& b) {
  return VersionOf(a).SameDefinition(VersionOf(b));
}

FunctionSpec Everything() {
  FunctionSpec spec;
  spec.runtime = "python3";
  spec.handler = "main.run";
  spec.env = {{"A", "1"}, {"EMPTY", ""}, {"Q", "a=\"b\"\nä"}};
  spec.limits = {.memory = 256ull << 20,
                 .cpus = 0.3,
                 .timeout = 90s + 1ms,
                 .tmp_size = 12345678,
                 .max_processes = 7,
                 .max_open_files = 99,
                 .max_output = 1ull << 20,
                 .max_files = 8};
  spec.concurrency = 5;
  spec.fresh = true;
  spec.per_tenant = true;
  spec.retry = {.max_attempts = 9, .backoff = 250ms, .max_backoff = 90s, .max_age = 48h};
  spec.grants.network = Network::kHost;
  spec.sandbox = "other";
  spec.image = "debian:12";
  spec.root = "/srv/root";
  return spec;
}

TEST(SettingsTest, AreThoseOfTheCommandLineInOrder) {
  std::vector<std::string_view> names;
  for (const SettingInfo& setting : FunctionSettings()) {
    names.push_back(setting.name);
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_EQ(setting.help.find('\n'), std::string_view::npos) << setting.name;
    EXPECT_FALSE(setting.placeholder.empty()) << setting.name;
  }
  EXPECT_EQ(names,
            (std::vector<std::string_view>{
                "runtime",   "handler",     "env",           "memory",         "cpus",
                "timeout",   "tmp_size",    "max_processes", "max_open_files", "max_output",
                "max_files", "concurrency", "fresh",         "per_tenant",     "max_attempts",
                "backoff",   "max_backoff", "max_age",       "network",        "sandbox",
                "image",     "root"}));
}

TEST(SettingsTest, ReadsEachSettingFromText) {
  const std::pair<std::string_view, std::string_view> settings[] = {
      {"runtime", "python3"},   {"handler", "main.run"},  {"env", "A=1"},
      {"env", "EMPTY="},        {"env", "Q=a=\"b\"\nä"},  {"memory", "256M"},
      {"cpus", "0.3"},          {"timeout", "1m30s1ms"},  {"tmp_size", "12345678"},
      {"max_processes", "7"},   {"max_open_files", "99"}, {"max_output", "1M"},
      {"max_files", "8"},       {"concurrency", "5"},     {"fresh", "true"},
      {"per_tenant", "true"},   {"max_attempts", "9"},    {"backoff", "250ms"},
      {"max_backoff", "1m30s"}, {"max_age", "2d"},        {"network", "host"},
      {"sandbox", "other"},     {"image", "debian:12"},   {"root", "/srv/root"}};
  FunctionSpec spec;
  for (const auto& [name, value] : settings) {
    const Status status = ApplySetting(spec, name, value);
    EXPECT_TRUE(status.ok()) << name << ": " << status;
  }
  EXPECT_TRUE(SameSettings(spec, Everything()));
  EXPECT_TRUE(ApplySetting(spec, "timeout", "none").ok());
  EXPECT_EQ(spec.limits.timeout, std::nullopt);
  EXPECT_TRUE(ApplySetting(spec, "env", "A=2").ok());
  EXPECT_EQ(spec.env["A"], "2");
  EXPECT_EQ(spec.env.size(), 3u);
}

TEST(SettingsTest, RefusesAWrongValueNamingItAndWhatWouldBeRight) {
  struct Case {
    std::string_view name, value, message;
  };
  const Case cases[] = {
      {"memory", "lots", "memory 'lots': must be bytes"},
      {"cpus", "half", "cpus 'half': must be a number"},
      {"cpus", "-1", "cpus '-1': must be a number from 0 to 1024"},
      {"cpus", "1025", "cpus '1025'"},
      {"cpus", "nan", "cpus 'nan'"},
      {"cpus", "inf", "cpus 'inf'"},
      {"cpus", "0.5x", "cpus '0.5x'"},
      {"cpus", "", "cpus ''"},
      {"timeout", "soon", "timeout 'soon': must be a time"},
      {"max_processes", "-1", "max_processes '-1': must be a whole number"},
      {"max_processes", "4294967296", "from 0 to 4294967295"},
      {"concurrency", "1.5", "concurrency '1.5'"},
      {"network", "internet", "network 'internet': must be none or host"},
      {"env", "NAME", "env: must be NAME=VALUE"},
      {"env", "=x", "env: must be NAME=VALUE"},
  };
  for (const Case& c : cases) {
    FunctionSpec spec;
    const Status status = ApplySetting(spec, c.name, c.value);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
    EXPECT_TRUE(SameSettings(spec, FunctionSpec{})) << c.name;
  }
}

TEST(SettingsTest, AnUnknownSettingSuggestsTheNearest) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"memroy", "did you mean 'memory'?"},
      {"tmp-size", "did you mean 'tmp_size'?"},
      {"timeouts", "did you mean 'timeout'?"},
      {"max_process", "did you mean 'max_processes'?"},
      {"concurency", "did you mean 'concurrency'?"},
      {"flavour", "there are: runtime handler env"},
  };
  FunctionSpec spec;
  for (const auto& [name, message] : cases) {
    const Status status = ApplySetting(spec, name, "1");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
  }
  EXPECT_EQ(ApplySetting(spec, std::string(100'000, 'x'), "").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SettingsJsonTest, ReadsEachSetting) {
  FunctionSpec spec;
  const Status status = ApplySettingsJson(spec, R"({
    "runtime": "python3", "handler": "main.run", "env": {"A": "1", "EMPTY": "", "Q": "a=\"b\"\nä"},
    "memory": "256M", "cpus": 0.3, "timeout": 90.001, "tmp_size": 12345678, "max_processes": 7,
    "max_open_files": 99, "max_output": 1048576, "max_files": 8, "concurrency": 5, "fresh": true, "per_tenant": true, "network": "host",
    "max_attempts": 9, "backoff": "250ms", "max_backoff": 90, "max_age": "2d",
    "sandbox": "other", "image": "debian:12", "root": "/srv/root"})");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(SameSettings(spec, Everything()));
}

TEST(SettingsJsonTest, ATimeoutIsSecondsTextOrNull) {
  const std::pair<std::string_view, std::optional<Duration>> cases[] = {
      {R"({"timeout": 30})", 30s},
      {R"({"timeout": 0.25})", 250ms},
      {R"({"timeout": "1m"})", 60s},
      {R"({"timeout": null})", std::nullopt},
      {R"({"timeout": "none"})", std::nullopt}};
  for (const auto& [text, timeout] : cases) {
    FunctionSpec spec;
    spec.limits.timeout = 1s;
    const Status status = ApplySettingsJson(spec, text);
    ASSERT_TRUE(status.ok()) << text << status;
    EXPECT_EQ(spec.limits.timeout, timeout) << text;
  }
}

TEST(SettingsJsonTest, WhatIsNotThereStaysAndEnvReplaces) {
  FunctionSpec spec = Everything();
  ASSERT_TRUE(ApplySettingsJson(spec, R"({"env": {"B": "2"}})").ok());
  EXPECT_EQ(spec.env, (std::map<std::string, std::string>{{"B", "2"}}));
  EXPECT_EQ(spec.limits, Everything().limits);
}

TEST(SettingsJsonTest, AnErrorChangesNothingAndNamesTheField) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "not JSON"},
      {"[]", "must be a JSON object"},
      {"{", "not JSON"},
      {R"({"memory": "1G"} x)", "not JSON"},
      {R"({"memory": 1000000000, "memroy": 1})", "did you mean 'memory'"},
      {R"({"memory": 1.5})", "memory 1.5E0: must be a whole number"},
      {R"({"memory": -1})", "memory -1"},
      {R"({"memory": true})", "memory true"},
      {R"({"memory": null})", "memory null"},
      {R"({"cpus": "0.5"})", "cpus \"0.5\": must be a number"},
      {R"({"timeout": -1})", "timeout -1"},
      {R"({"timeout": 1e300})", "timeout"},
      {R"({"timeout": []})", "timeout []"},
      {R"({"concurrency": 4294967296})", "concurrency 4294967296"},
      {R"({"network": 1})", "network 1"},
      {R"({"network": "lan"})", "network 'lan'"},
      {R"({"env": []})", "env: must be an object"},
      {R"({"env": {"K": 1}})", "env 'K': must be a string"},
      {R"({"name": "f"})", "'name' is not a setting"},
      {R"({"code": {}})", "'code' is not a setting"},
  };
  for (const auto& [text, message] : cases) {
    FunctionSpec spec = Everything();
    spec.code = Code::Inline("a.py", "x");
    const Status status = ApplySettingsJson(spec, text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_TRUE(SameSettings(spec, Everything())) << text;
    EXPECT_EQ(spec.code.bytes, "x");
  }
}

TEST(SettingsJsonTest, HasALimit) {
  FunctionSpec spec;
  const std::string padding((1 << 20) - 2, ' ');
  EXPECT_TRUE(ApplySettingsJson(spec, "{" + padding + "}").ok());
  const Status status = ApplySettingsJson(spec, "{ " + padding + "}");
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 1048576"));
  EXPECT_FALSE(ApplySettingsJson(spec, std::string(1000, '[')).ok());
}

TEST(SettingsJsonTest, IsReadBackAsTheSame) {
  for (const FunctionSpec& spec : {FunctionSpec{}, Everything()}) {
    const std::string text = SettingsJson(VersionOf(spec));
    FunctionSpec read = spec.runtime.empty() ? Everything() : FunctionSpec{};
    const Status status = ApplySettingsJson(read, text);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(SameSettings(read, spec)) << text;
  }
}

TEST(SettingsJsonTest, WritesSizesAndTimesAsNumbers) {
  const json::object object = json::parse(SettingsJson(VersionOf(Everything()))).as_object();
  EXPECT_EQ(object.size(), FunctionSettings().size());
  EXPECT_EQ(object.at("memory").to_number<uint64_t>(), 256ull << 20);
  EXPECT_EQ(object.at("timeout").to_number<double>(), 90.001);
  EXPECT_EQ(object.at("network"), "host");
  EXPECT_EQ(object.at("env").at("A"), "1");
  EXPECT_TRUE(json::parse(SettingsJson({})).at("timeout").is_null());
}

}  // namespace
}  // namespace nanogrid
