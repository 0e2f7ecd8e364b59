#include "core/stored_json.h"

#include <gtest/gtest.h>

namespace nanogrid {
namespace {

TEST(RecordJsonTest, AVersionComesBackAsItWas) {
  FunctionVersion version;
  version.name = "f";
  version.number = 1ull << 60;
  version.code_digest = "aa";
  version.runtime = "python3";
  version.handler = "main.handler";
  version.env = {{"A", ""}, {"B", "\"\\\n ä"}};
  version.limits.memory = 1ull << 50;
  version.limits.timeout = Duration(1);
  version.limits.max_output = 5;
  version.limits.max_files = 6;
  version.grants.network = Network::kHost;
  version.concurrency = 7;
  version.fresh = true;
  version.per_tenant = true;
  version.retry = {.max_attempts = 3,
                   .backoff = Duration(1),
                   .max_backoff = Duration(2),
                   .max_age = Duration(3)};
  version.sandbox = "docker";
  version.image = "image";
  version.root = "/root";
  version.artifact_digest = "bb";
  version.created = SystemTime(std::chrono::milliseconds(1'700'000'000'123));
  for (const double cpus : {0.0, 0.1, 0.25, 1.0 / 3, 1e9}) {
    version.limits.cpus = cpus;
    const Result<FunctionVersion> back = ParseFunctionVersionJson(FunctionVersionJson(version));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(back->SameDefinition(version)) << FunctionVersionJson(version);
    EXPECT_EQ(back->number, version.number);
    EXPECT_EQ(back->created, version.created);
  }
  version.limits.timeout.reset();
  EXPECT_TRUE(ParseFunctionVersionJson(FunctionVersionJson(version))->SameDefinition(version));
}

TEST(RecordJsonTest, AnErrorMayHoldAnyBytes) {
  Outcome outcome{.ending = Ending::kException,
                  .error = FunctionError{"T", std::string("\xff\0\x80", 3), "\n\"\xc3"}};
  const Result<Outcome> back = ParseOutcomeJson(OutcomeJson(outcome));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->error, outcome.error);
  outcome.error.reset();
  EXPECT_FALSE(ParseOutcomeJson(OutcomeJson(outcome))->error.has_value());
}

TEST(RecordJsonTest, AnOutcomeSaysWhatHeldItAndWhichFilesWereRefused) {
  Outcome outcome{.refused_files = {{"a\"b", 7, "is a FIFO"}}, .isolation = "linux root"};
  const Result<Outcome> back = ParseOutcomeJson(OutcomeJson(outcome));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->refused_files, outcome.refused_files);
  EXPECT_EQ(back->isolation, outcome.isolation);
}

TEST(RecordJsonTest, WhatIsNoRecordIsDataLoss) {
  for (const char* text : {"", "[]", "{", "1"}) {
    EXPECT_EQ(ParseOutcomeJson(text).status().code(), absl::StatusCode::kDataLoss) << text;
    EXPECT_EQ(ParseFunctionVersionJson(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace nanogrid
