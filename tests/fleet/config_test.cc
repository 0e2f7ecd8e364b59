#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "core/temporary_directory.h"
#include "engine/status_matchers.h"
#include "fleet/config_file.h"
#include "fleet/mission_variables.h"
#include "nanogrid/adapters/fleet_config.h"

namespace nanogrid {
namespace {

namespace json = boost::json;
using absl::StatusCode;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class FleetConfigTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::string path = directory_.path() / name;
    std::ofstream(path) << text;
    chmod(path.c_str(), 0600);
    return path;
  }
  std::string File(const std::string& toml) { return Write("fleet.toml", toml); }

  TemporaryDirectory directory_;
};

std::map<std::string, std::string, std::less<>> Home() { return {{"HOME", "/home/ada"}}; }

TEST_F(FleetConfigTest, SettlesEverythingInTheDataDirectoryByDefault) {
  const Result<FleetConfig> config = LoadFleetConfig({.environment = Home()});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->data, "/home/ada/.local/share/nanogrid");
  EXPECT_EQ(config->queue, "sqlite:/home/ada/.local/share/nanogrid/nanogrid.db");
  EXPECT_EQ(config->jobs, config->queue);
  EXPECT_EQ(config->catalog, config->queue);
  EXPECT_EQ(config->objects, "file:///home/ada/.local/share/nanogrid/objects");
  EXPECT_EQ(config->user_data, config->objects);
  EXPECT_EQ(config->packages, "/home/ada/.local/share/nanogrid/packages");
  EXPECT_TRUE(config->UsesData());
  EXPECT_EQ(config->listen, "127.0.0.1:8080");
  EXPECT_EQ(config->status_listen, "");
  EXPECT_TRUE(config->worker);
  EXPECT_FALSE(config->drain);
  EXPECT_EQ(config->max_body, 256ull << 20);
  EXPECT_TRUE(config->sources.empty());
}

TEST_F(FleetConfigTest, TakesXdgDataHomeBeforeHome) {
  auto environment = Home();
  environment["XDG_DATA_HOME"] = "/data";
  EXPECT_EQ(LoadFleetConfig({.environment = environment})->data, "/data/nanogrid");
  environment["XDG_DATA_HOME"] = "relative";
  EXPECT_EQ(LoadFleetConfig({.environment = environment})->data, "/home/ada/.local/share/nanogrid");
}

TEST_F(FleetConfigTest, NeedsADirectoryOnlyForWhatHasNoUri) {
  EXPECT_THAT(LoadFleetConfig({}), FailsWith(StatusCode::kInvalidArgument, "data: neither"));
  FleetSources sources{
      .flags = {{"queue", "memory:"}, {"jobs", "memory:"}, {"catalog", "memory:"}}};
  EXPECT_THAT(LoadFleetConfig(sources), FailsWith(StatusCode::kInvalidArgument, "data: neither"));
  sources.flags.emplace_back("objects", "memory:");
  const Result<FleetConfig> config = LoadFleetConfig(sources);
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->UsesData());
  EXPECT_EQ(config->packages, "");
  sources.flags.emplace_back("mirror", "gs://copies");
  EXPECT_THAT(LoadFleetConfig(sources),
              FailsWith(StatusCode::kInvalidArgument, "outbox: missing; copies for gs://copies"));
}

TEST_F(FleetConfigTest, FlagsBeatTheEnvironmentThatBeatsTheFileThatBeatsTheMissionsVariables) {
  auto environment = Home();
  environment["REDIS_HOST"] = "mission";
  FleetSources sources{.environment = environment};
  EXPECT_EQ(LoadFleetConfig(sources)->jobs, "redis://mission");
  EXPECT_EQ(LoadFleetConfig(sources)->sources.at("jobs"), "REDIS_HOST");
  sources.file = File("slots = 1\njobs = \"redis://file\"\n");
  EXPECT_EQ(LoadFleetConfig(sources)->jobs, "redis://file");
  EXPECT_EQ(LoadFleetConfig(sources)->sources.at("jobs"), sources.file + ":2");
  sources.environment["NANOGRID_JOBS"] = "redis://environment";
  EXPECT_EQ(LoadFleetConfig(sources)->jobs, "redis://environment");
  EXPECT_EQ(LoadFleetConfig(sources)->sources.at("jobs"), "NANOGRID_JOBS");
  sources.flags = {{"jobs", "redis://first"}, {"jobs", "redis://flag"}};
  EXPECT_EQ(LoadFleetConfig(sources)->jobs, "redis://flag");
  EXPECT_EQ(LoadFleetConfig(sources)->sources.at("jobs"), "--jobs");
}

TEST_F(FleetConfigTest, TheFileMayBeNamedByTheEnvironment) {
  auto environment = Home();
  environment["NANOGRID_CONFIG"] = File("slots = 3\n");
  EXPECT_EQ(LoadFleetConfig({.environment = environment})->slots, 3u);
  const std::string other = Write("other.toml", "slots = 4\n");
  EXPECT_EQ(LoadFleetConfig({.file = other, .environment = environment})->slots, 4u);
}

TEST_F(FleetConfigTest, AMissingFileIsNamed) {
  EXPECT_THAT(LoadFleetConfig({.file = "/nowhere/fleet.toml", .environment = Home()}),
              FailsWith(StatusCode::kNotFound, "/nowhere/fleet.toml"));
}

TEST_F(FleetConfigTest, ReadsEveryKindOfValue) {
  FleetSources sources{.file = File(R"(
    name = "left"
    slots = 7
    max_body = "1M"
    max_backlog = 0
    lease = 30
    retention = "2d"
    drain = "none"
    worker = false
    scaling.min = 1
    [scaling]
    policy = "backlog"
    target_utilisation = 0.5
    cooldown = "1m"
  )"),
                       .environment = Home()};
  // TOML allows a table to be written in one way only.
  EXPECT_THAT(LoadFleetConfig(sources), FailsWith(StatusCode::kInvalidArgument, "not TOML"));
  sources.file = File(R"(
    name = "left"
    slots = 7
    max_body = "1M"
    max_backlog = 0
    lease = 30
    retention = "2d"
    drain = "none"
    worker = false
    [scaling]
    min = 1
    policy = "backlog"
    target_utilisation = 0.5
    cooldown = "1m"
  )");
  const Result<FleetConfig> config = LoadFleetConfig(sources);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->name, "left");
  EXPECT_EQ(config->slots, 7u);
  EXPECT_EQ(config->max_body, 1u << 20);
  EXPECT_EQ(config->max_backlog, 0u);
  EXPECT_EQ(config->lease, 30s);
  EXPECT_EQ(config->retention, 48h);
  EXPECT_EQ(config->drain, Duration::max());
  EXPECT_FALSE(config->worker);
  EXPECT_EQ(config->scaling.bounds.min_workers, 1u);
  EXPECT_EQ(config->scaling.policy, "backlog");
  EXPECT_EQ(config->scaling.target_utilisation, 0.5);
  EXPECT_EQ(config->scaling.bounds.cooldown, 1min);
}

TEST_F(FleetConfigTest, JsonSaysTheSame) {
  const std::string file = Write(
      "fleet.json", R"({"slots": 7, "worker": false, "drain": "10s", "scaling": {"min": 1}})");
  const Result<FleetConfig> config = LoadFleetConfig({.file = file, .environment = Home()});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->slots, 7u);
  EXPECT_FALSE(config->worker);
  EXPECT_EQ(config->drain, 10s);
  EXPECT_EQ(config->scaling.bounds.min_workers, 1u);
  EXPECT_EQ(config->sources.at("slots"), file);
}

TEST_F(FleetConfigTest, ALineOfManyTablesIsRefusedBeforeTheyAreMade) {
  std::string text = "slots = 1\na";
  for (int i = 0; i < 100'000; ++i) text += ".a";
  EXPECT_THAT(LoadFleetConfig({.file = File(text + " = 1\n"), .environment = Home()}),
              FailsWith(StatusCode::kInvalidArgument, ":2: a line of more than 4096 bytes"));
}

TEST_F(FleetConfigTest, WrongValuesAreNamedWithTheirPlace) {
  struct Case {
    std::string file;
    std::string error;
  };
  for (const Case& wrong : std::vector<Case>{
           {"queu = 'memory:'", ":1: 'queu' is not a setting; did you mean 'queue'?"},
           {"\n[scaling]\nmim = 1",
            ":3: 'scaling.mim' is not a setting; did you mean "
            "'scaling.min'?"},
           {"zzzzzzzzzz = 1", "'zzzzzzzzzz' is not a setting; there are: data queue jobs"},
           {"slots = 1001", ":1: slots '1001': must be a whole number from 0 to 1000"},
           {"slots = -1", "slots '-1': must be a whole number"},
           {"slots = \"many\"", "slots 'many': must be a whole number"},
           {"queue = 5", ":1: queue: must be a string, such as \"5\""},
           {"queue = 'memory'", ":1: queue: URI 'memory': no scheme"},
           {"queue = 'redis://me:hidden@host'", ":1: queue: URI authority: a user or password"},
           {"queue = ['memory:']", ":1: queue: must be a string, a number, true or false"},
           {"lease = '500ms'", "lease '500ms': must be from 1s to 12h"},
           {"retention = 'soon'", "retention 'soon': must be a time such as"},
           {"worker = 1", "worker '1': must be true or false"},
           {"scaling.policy = 'guess'", "scaling.policy 'guess': must be step or backlog"},
           {"scaling.target_utilisation = 0", "must be a number above 0, at most 1"},
           {"scaling.min = 6", "scaling.min 6: more than scaling.max, 5"},
           {"scaling.group = 'asg'", "scaling.asg_name: missing"},
           {"gcp.credentials_secret = 'key'", "gcp.credentials_secret 'key': needs secrets"},
           {"redis.password = 'hidden'",
            "a secret does not belong into this file; name one with "
            "redis.password_file, or set NANOGRID_REDIS_PASSWORD"},
           {"slots = 1\n[\nscaling]", ":2: not TOML: '[' without the name of a table"},
           {"slots = ", ":1: not TOML"},
           {"slots = 1\nsl\u00F6ts = 2", ":2: not TOML"},
           {"slots = 1\nslots = 2", ":2: not TOML"},
           {"{\"slots\": null}", "slots: must be a string, a number, true or false"},
           {"{\"slots\": }", "not JSON"},
       }) {
    const auto config = LoadFleetConfig({.file = File(wrong.file), .environment = Home()});
    EXPECT_THAT(config, FailsWith(StatusCode::kInvalidArgument, wrong.error)) << wrong.file;
    EXPECT_THAT(config.status().ToString(), Not(HasSubstr("hidden")));
  }
}

TEST_F(FleetConfigTest, WrongVariablesAndFlagsAreNamed) {
  auto environment = Home();
  environment["NANOGRID_SLOTS"] = "x";
  EXPECT_THAT(LoadFleetConfig({.environment = environment}),
              FailsWith(StatusCode::kInvalidArgument, "NANOGRID_SLOTS 'x': must be"));
  EXPECT_THAT(LoadFleetConfig({.environment = Home(), .flags = {{"scaling.max", "0"}}}),
              FailsWith(StatusCode::kInvalidArgument, "--scaling-max '0': must be"));
  EXPECT_THAT(LoadFleetConfig({.environment = Home(), .flags = {{"redis.password", "hidden"}}}),
              FailsWith(StatusCode::kInvalidArgument, "set NANOGRID_REDIS_PASSWORD"));
  environment = Home();
  environment["NANOGRID_QUEU"] = "memory:";
  EXPECT_THAT(LoadFleetConfig({.environment = environment}),
              FailsWith(StatusCode::kInvalidArgument,
                        "NANOGRID_QUEU is not a setting; did you mean NANOGRID_QUEUE?"));
  environment = Home();
  environment["NANOGRID_NOTHING_LIKE_IT"] = "";
  EXPECT_THAT(LoadFleetConfig({.environment = environment}),
              FailsWith(StatusCode::kInvalidArgument, "NANOGRID_NOTHING_LIKE_IT is not a setting"));
}

TEST_F(FleetConfigTest, VariablesOfOtherProgramsAndOfKubernetesServicesAreLeftAlone) {
  auto environment = Home();
  environment["NANOGRID_SERVER"] = "http://127.0.0.1:8080";
  environment["NANOGRID_CONTROLLER_SERVICE_HOST"] = "10.0.0.1";
  environment["NANOGRID_CONTROLLER_SERVICE_PORT_HTTP"] = "8080";
  environment["NANOGRID_CONTROLLER_PORT"] = "tcp://10.0.0.1:8080";
  environment["NANOGRID_CONTROLLER_PORT_8080_TCP_ADDR"] = "10.0.0.1";
  EXPECT_THAT(LoadFleetConfig({.environment = environment}), IsOk());
}

TEST_F(FleetConfigTest, UnderstandsTheMissionsVariables) {
  auto environment = Home();
  environment["S3_CODE_BUCKET"] = "code";
  environment["S3_USER_DATA_BUCKET"] = "user-data";
  environment["SQS_QUEUE_URL"] = "https://sqs.eu-west-1.amazonaws.com/123456789012/tasks";
  environment["REDIS_HOST"] = "cache.internal";
  environment["REDIS_PORT"] = "6380";
  environment["AI_ENDPOINT"] = "http://10.0.1.9:11434";
  environment["GCP_BUCKET_NAME"] = "archive";
  environment["GOOGLE_APPLICATION_CREDENTIALS"] = "/etc/key.json";
  const Result<FleetConfig> config = LoadFleetConfig({.environment = environment});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->objects, "s3://code");
  EXPECT_EQ(config->user_data, "s3://user-data");
  EXPECT_EQ(config->queue, "sqs://sqs.eu-west-1.amazonaws.com/123456789012/tasks");
  EXPECT_EQ(config->jobs, "redis://cache.internal:6380");
  EXPECT_EQ(config->ai_endpoint, "http://10.0.1.9:11434");
  EXPECT_EQ(config->mirror, "gs://archive");
  EXPECT_EQ(config->sources.at("jobs"), "REDIS_HOST");
}

TEST_F(FleetConfigTest, AWrongMissionVariableHurtsOnlyWhereItCounts) {
  auto environment = Home();
  environment["REDIS_HOST"] = "cache";
  environment["REDIS_PORT"] = "tcp://10.0.0.1:6379";
  EXPECT_THAT(LoadFleetConfig({.environment = environment}),
              FailsWith(StatusCode::kInvalidArgument, "REDIS_HOST (as jobs): "));
  environment["NANOGRID_JOBS"] = "memory:";
  EXPECT_THAT(LoadFleetConfig({.environment = environment}), IsOk());
  environment = Home();
  environment["REDIS_HOST"] = "";
  EXPECT_TRUE(LoadFleetConfig({.environment = environment})->UsesData());
}

TEST(QueueUriTest, IsMadeOfAnyQueuesUrl) {
  EXPECT_EQ(QueueUriOfUrl("https://sqs.eu-west-1.amazonaws.com/1234/tasks"),
            "sqs://sqs.eu-west-1.amazonaws.com/1234/tasks");
  EXPECT_EQ(QueueUriOfUrl("http://127.0.0.1:5000/1234/tasks"),
            "sqs:tasks?endpoint=http://127.0.0.1:5000");
  EXPECT_EQ(QueueUriOfUrl("sqs://tasks"), "sqs://tasks");
  EXPECT_EQ(QueueUriOfUrl("tasks"), "tasks");
  EXPECT_EQ(QueueUriOfUrl("https://host"), "https://host");
}

TEST_F(FleetConfigTest, ReadsThePasswordFromItsFile) {
  auto environment = Home();
  const std::string file = Write("redis-password", "hidden\n");
  FleetSources sources{.environment = environment, .flags = {{"redis.password_file", file}}};
  EXPECT_EQ(LoadFleetConfig(sources)->redis_password, "hidden");
  sources.environment["NANOGRID_REDIS_PASSWORD"] = "nearer";
  EXPECT_EQ(LoadFleetConfig(sources)->redis_password, "nearer");
  sources.environment = Home();
  chmod(file.c_str(), 0644);
  EXPECT_THAT(LoadFleetConfig(sources),
              FailsWith(StatusCode::kPermissionDenied, "redis.password_file '" + file + "'"));
}

TEST_F(FleetConfigTest, WhatIsPrintedNamesSourcesAndHidesSecrets) {
  auto environment = Home();
  environment["NANOGRID_REDIS_PASSWORD"] = "hidden";
  environment["NANOGRID_SLOTS"] = "3";
  FleetSources sources{
      .file = File("name = \"a \\\"b\\\" \\u00e4\"\n"),
      .environment = environment,
      .flags = {{"drain", "none"}, {"scaling.min", "1"}, {"redis.username", "me"}}};
  const Result<FleetConfig> config = LoadFleetConfig(sources);
  ASSERT_THAT(config, IsOk());
  const std::string toml = FleetConfigToml(*config);
  EXPECT_THAT(toml, Not(HasSubstr("hidden")));
  EXPECT_THAT(toml, testing::ContainsRegex("\nslots = 3 +# NANOGRID_SLOTS\n"));
  EXPECT_THAT(toml, testing::ContainsRegex("\ndrain = \"none\" +# --drain\n"));
  EXPECT_THAT(toml, testing::ContainsRegex("\n# lease = \"10s\" +# default\n"));
  EXPECT_THAT(toml, testing::ContainsRegex("\n# redis.password = \"[*]+\" +# NANOGRID_REDIS"));
  const std::string printed = FleetConfigJson(*config);
  EXPECT_THAT(printed, Not(HasSubstr("hidden")));
  const json::value object = json::parse(printed);
  EXPECT_EQ(object.at("slots").at("value"), 3);
  EXPECT_EQ(object.at("slots").at("source"), "NANOGRID_SLOTS");
  EXPECT_EQ(object.at("queue").at("source"), "default");
  EXPECT_EQ(object.as_object().size(), FleetSettings().size());

  // What was printed is a file that means the same.
  const Result<FleetConfig> again =
      LoadFleetConfig({.file = Write("again.toml", toml), .environment = Home()});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->name, config->name);
  EXPECT_EQ(again->drain, config->drain);
  EXPECT_EQ(again->queue, config->queue);
  EXPECT_EQ(again->UsesData(), config->UsesData());
}

TEST_F(FleetConfigTest, NamesDifferInEachOfTheThreeForms) {
  std::set<std::string> names, flags, variables;
  for (const FleetSetting& setting : FleetSettings()) {
    EXPECT_TRUE(names.emplace(setting.name).second) << setting.name;
    EXPECT_TRUE(flags.insert(FleetFlag(setting)).second) << setting.name;
    EXPECT_TRUE(variables.insert(FleetVariable(setting)).second) << setting.name;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_FALSE(setting.placeholder.empty()) << setting.name;
  }
  EXPECT_TRUE(flags.contains("scaling-scale-out-backlog"));
  EXPECT_TRUE(variables.contains("NANOGRID_SCALING_SCALE_OUT_BACKLOG"));
}

// docs/configuration.md has the table between two lines; this is what it must be.
TEST(ConfigurationPageTest, HasTheTableOfSettings) {
  std::string table;
  for (const FleetSetting& setting : FleetSettings()) {
    std::string help(setting.help);
    for (size_t at = 0; (at = help.find('|', at)) != std::string::npos; at += 2) {
      help.insert(at, "\\");
    }
    const std::string_view who = setting.program == FleetProgram::kBoth         ? "both"
                                 : setting.program == FleetProgram::kController ? "controller"
                                                                                : "worker";
    table +=
        fmt::format("| `{}` | `{}` | {} | {} |\n", setting.name, FleetVariable(setting), who, help);
  }
  std::stringstream page;
  page << std::ifstream(NANOGRID_DOCS "/configuration.md").rdbuf();
  EXPECT_THAT(page.str(), HasSubstr("|---|---|---|---|\n" + table + "\n"))
      << "the table should be:\n"
      << table;
}

}  // namespace
}  // namespace nanogrid
