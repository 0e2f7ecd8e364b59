// What every Sandbox must do with the files that a function leaves in $NANOGRID_OUTPUT. Part of
// sandbox_conformance.h, which includes it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nanogrid/testing/sandbox_conformance_fixture.h"

namespace nanogrid {

class SandboxConformanceFiles : public SandboxConformance {
 protected:
  // Keeps what it is given and checks that it is given in order.
  struct KeepingFiles final : FileSink {
    Status Begin(std::string_view path, uint64_t size) override {
      EXPECT_FALSE(open) << path;
      open = true;
      current = path;
      announced = size;
      EXPECT_TRUE(content.emplace(current, "").second) << path;
      return error;
    }
    Status Write(std::string_view bytes) override {
      EXPECT_TRUE(open);
      content[current] += bytes;
      return error;
    }
    Status End() override {
      EXPECT_TRUE(open);
      EXPECT_EQ(content[current].size(), announced) << current;
      open = false;
      return error;
    }
    std::map<std::string, std::string> content{};
    Status error{};

   private:
    bool open = false;
    std::string current{};
    uint64_t announced = 0;
  };

  static std::vector<std::string> Paths(const std::vector<OutputFile>& files) {
    std::vector<std::string> paths;
    for (const OutputFile& file : files) paths.push_back(file.path);
    return paths;
  }
  Outcome InvokeWith(Instance& instance, std::string_view event, FileSink* files) {
    Result<Outcome> outcome = instance.Invoke(
        {}, {.request_id = "request", .event = event, .files = files}, LogSink::Null());
    EXPECT_TRUE(outcome.ok()) << event << ": " << outcome.status();
    return outcome.ok() ? *outcome : Outcome{.ending = Ending::kViolation};
  }
  Outcome Leave(std::string_view event, FileSink* files) {
    const std::unique_ptr<Instance> instance = Start();
    return instance ? InvokeWith(*instance, event, files) : Outcome{.ending = Ending::kViolation};
  }
  void ExpectTheFiles(const Outcome& outcome, const KeepingFiles& files) {
    const std::map<std::string, std::string> expected = {{"a.bin", std::string(300'000, 'a')},
                                                         {"b.txt", "of b"},
                                                         {"below/it/c ä", "of c"},
                                                         {"empty", ""}};
    EXPECT_EQ(outcome.ending, Ending::kReturned);
    EXPECT_TRUE(files.content == expected) << testing::PrintToString(Paths(outcome.files));
    EXPECT_THAT(Paths(outcome.files),
                testing::ElementsAre("a.bin", "b.txt", "below/it/c ä", "empty"));
    for (const OutputFile& file : outcome.files) {
      EXPECT_EQ(file.size, expected.at(file.path).size()) << file.path;
      EXPECT_EQ(file.reason, "");
    }
    EXPECT_THAT(outcome.refused_files, testing::IsEmpty());
  }
};

TEST_P(SandboxConformanceFiles, WhatAFunctionLeavesIsCollected) {
  KeepingFiles files;
  const Outcome outcome = Leave("\"files\"", &files);
  EXPECT_EQ(outcome.result, "\"left\"");
  ExpectTheFiles(outcome, files);
}

TEST_P(SandboxConformanceFiles, WhatAProgramLeavesIsCollected) {
  UseStdio();
  KeepingFiles files;
  ExpectTheFiles(Leave("\"files\"", &files), files);
}

TEST_P(SandboxConformanceFiles, NothingIsCollectedUnasked) {
  const Outcome outcome = Leave("\"files\"", nullptr);
  EXPECT_EQ(outcome.ending, Ending::kReturned);
  EXPECT_THAT(outcome.files, testing::IsEmpty());
}

TEST_P(SandboxConformanceFiles, NothingIsCollectedFromAFunctionThatFailed) {
  KeepingFiles files;
  const Outcome outcome = Leave("\"files and failure\"", &files);
  EXPECT_EQ(outcome.ending, Ending::kException);
  EXPECT_THAT(outcome.files, testing::IsEmpty());
  EXPECT_TRUE(files.content.empty());
}

TEST_P(SandboxConformanceFiles, AFunctionThatLeavesNothingStaysWarm) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  for (int i = 1; i <= 3; ++i) {
    KeepingFiles files;
    EXPECT_EQ(InvokeWith(*instance, "\"count\"", &files).result, std::to_string(i));
    EXPECT_TRUE(files.content.empty());
    ASSERT_TRUE(instance->Reusable());
  }
}

TEST_P(SandboxConformanceFiles, AnInvocationIsNotGivenTheFilesOfAnEarlierOne) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  // Not collected by its own invocation, so that every sandbox keeps the instance.
  InvokeWith(*instance, "\"bad files\"", nullptr);
  ASSERT_TRUE(instance->Reusable());
  KeepingFiles files;
  const Outcome outcome = InvokeWith(*instance, "\"other files\"", &files);
  EXPECT_EQ(outcome.start, StartKind::kWarm);
  EXPECT_THAT(Paths(outcome.files), testing::ElementsAre("second"));
  EXPECT_THAT(Paths(outcome.refused_files), testing::IsEmpty());
  if (!instance->Reusable()) return;  // it cannot be frozen
  KeepingFiles again;
  ExpectTheFiles(InvokeWith(*instance, "\"files\"", &again), again);
}

TEST_P(SandboxConformanceFiles, WhatIsNoPlainFileIsRefusedAndTheRestCollected) {
  KeepingFiles files;
  const Outcome outcome = Leave("\"bad files\"", &files);
  EXPECT_EQ(outcome.ending, Ending::kReturned);
  EXPECT_THAT(Paths(outcome.files), testing::ElementsAre("good"));
  EXPECT_THAT(files.content, testing::ElementsAre(testing::Pair("good", "good")));
  std::string deepest = "deep";
  for (int depth = 1; depth < 16; ++depth) deepest += "/deep";
  EXPECT_THAT(Paths(outcome.refused_files),
              testing::UnorderedElementsAre("link", "root", "one", "two", "fifo", "line\\x0abreak",
                                            "sparse", deepest));
  for (const OutputFile& file : outcome.refused_files) EXPECT_NE(file.reason, "") << file.path;
}

TEST_P(SandboxConformanceFiles, TheirNumberIsLimited) {
  package_.limits.max_files = 3;
  KeepingFiles files;
  const Outcome outcome = Leave("\"files\"", &files);
  EXPECT_EQ(outcome.ending, Ending::kReturned);
  EXPECT_LE(outcome.files.size(), 3u);
  ASSERT_EQ(outcome.refused_files.size(), 1u);
  EXPECT_THAT(outcome.refused_files[0].reason, testing::HasSubstr("3"));
}

TEST_P(SandboxConformanceFiles, NothingOfTheFunctionRunsWhileTheyAreRead) {
  for (int round = 0; round < 5; ++round) {
    KeepingFiles files;  // fails if a size is not what was announced
    const Outcome outcome = Leave("\"files without end\"", &files);
    EXPECT_EQ(outcome.ending, Ending::kReturned);
    EXPECT_EQ(files.content["first"], "first");
    for (const OutputFile& refused : outcome.refused_files) {
      EXPECT_EQ(refused.path, "changing");
      EXPECT_THAT(refused.reason, testing::Not(testing::HasSubstr("replaced")));
    }
  }
}

TEST_P(SandboxConformanceFiles, AnErrorOfTheSinkIsTheAnswer) {
  const auto instance = Start();
  ASSERT_TRUE(instance);
  KeepingFiles files;
  files.error = absl::DataLossError("the disk is full");
  const Result<Outcome> outcome = instance->Invoke(
      {}, {.request_id = "request", .event = "\"files\"", .files = &files}, LogSink::Null());
  EXPECT_EQ(outcome.status(), files.error);
}

}  // namespace nanogrid
