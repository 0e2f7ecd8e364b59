// What a mirror has acknowledged is in both stores, whenever its process is killed.
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <random>
#include <sstream>

#include "core/temporary_directory.h"
#include "core/unique_fd.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/mirror.h"

namespace nanogrid {
namespace {

// Content by key, "" for none; of the call that was under way both are possible.
struct Expected {
  std::map<std::string, std::string> sure{};
  std::string key{};
  std::string content{};
  bool under_way = false;
};

// Runs the program until `lines` were read, and kills it.
void RunAndKill(const std::string& directory, unsigned seed, int lines, Expected& expected) {
  int output[2];
  ASSERT_EQ(::pipe(output), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawn_file_actions_addclose(&actions, output[0]);
  std::string program = NANOGRID_KILL_MIRROR;
  std::string directory_argument = directory;
  std::string seed_argument = std::to_string(seed);
  char* const arguments[] = {program.data(), directory_argument.data(), seed_argument.data(),
                             nullptr};
  pid_t process = -1;
  ASSERT_EQ(posix_spawn(&process, program.c_str(), &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(output[1]);
  const std::unique_ptr<FILE, int (*)(FILE*)> said(::fdopen(output[0], "r"), std::fclose);
  char line[200];
  // What it says between the signal and its end counts as well.
  for (int i = 0; std::fgets(line, sizeof line, said.get()) != nullptr; ++i) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "begin") {
      expected.content.clear();
      words >> expected.key >> expected.content;
    } else {
      expected.sure[expected.key] = expected.content;
    }
    expected.under_way = word == "begin";
    if (i == lines) ::kill(process, SIGKILL);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
}

TEST(MirrorKill, WhatWasAcknowledgedIsInBothStores) {
  const TemporaryDirectory directory;
  const std::string path = directory.path().string();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto open = [&](const std::string& name) {
    return *MakeFileObjectStore(FileObjectStoreOptions{.directory = path + "/" + name});
  };
  const auto read = [](ObjectStore& store, const std::string& key) {
    return ReadObject(Context{}, store, key).value_or("");
  };
  Expected expected;
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    RunAndKill(path, random(), static_cast<int>(random() % 150), expected);
    if (HasFatalFailure()) return;
    const auto mirror =
        MakeMirroredStore(open("first"), open("second"), {.outbox = path + "/outbox"});
    ASSERT_TRUE(mirror.ok()) << mirror.status();
    const auto check = [&](ObjectStore& store) {
      for (const auto& [key, content] : expected.sure) {
        if (expected.under_way && key == expected.key) {
          EXPECT_THAT(read(store, key), testing::AnyOf(content, expected.content)) << key;
        } else {
          EXPECT_EQ(read(store, key), content) << key;
        }
      }
    };
    check(**mirror);
    const Status flushed = (*mirror)->Flush(Context::WithTimeout(std::chrono::seconds(30)));
    ASSERT_TRUE(flushed.ok()) << flushed << (*mirror)->stats().last_error;
    check(*open("first"));
    check(*open("second"));
    const auto report = (*mirror)->Verify(Context{}, "", false);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->Equal()) << testing::PrintToString(report->details);
    // What the call that was under way has come to is known now.
    if (expected.under_way) expected.sure[expected.key] = read(**mirror, expected.key);
  }
}

}  // namespace
}  // namespace nanogrid
