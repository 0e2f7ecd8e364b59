// The table of built-in runtimes agrees with itself and with the files it comes with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "nanogrid/runtime.h"

namespace nanogrid {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

TEST(BuiltinRuntimes, AreTheseFour) {
  std::vector<std::string> names;
  for (const Runtime& runtime : BuiltinRuntimes()) names.push_back(runtime.name);
  EXPECT_THAT(names, ElementsAre("python3", "nodejs", "native", "exec"));
}

TEST(BuiltinRuntimes, UseOnlyRuntimeFilesThatExist) {
  const RuntimeFiles files = BuiltinRuntimeFiles();
  const std::string prefix = "/var/runtime/";
  for (const Runtime& runtime : BuiltinRuntimes()) {
    for (const std::string& word : runtime.command) {
      if (!word.starts_with(prefix)) continue;
      EXPECT_TRUE(files.contains(word.substr(prefix.size()))) << word;
    }
  }
}

TEST(BuiltinRuntimes, ClaimEveryFileTypeOnceUnlessItIsCompiled) {
  std::set<std::string> seen;
  for (const Runtime& runtime : BuiltinRuntimes()) {
    for (const std::string& extension : runtime.extensions) {
      EXPECT_THAT(extension, StartsWith("."));
      EXPECT_TRUE(seen.insert(extension).second) << extension;
    }
  }
  for (const Runtime& runtime : BuiltinRuntimes()) {
    for (const Compiler& compiler : runtime.compilers) {
      for (const std::string& extension : compiler.extensions) {
        EXPECT_FALSE(seen.contains(extension)) << extension;
      }
    }
  }
}

TEST(BuiltinRuntimes, SayWhatTheyNeedAndHowToGetIt) {
  for (const Runtime& runtime : BuiltinRuntimes()) {
    EXPECT_EQ(runtime.requires_path.empty(), runtime.install_hint.empty()) << runtime.name;
    if (!runtime.requires_path.empty()) {
      EXPECT_EQ(runtime.command.at(0), runtime.requires_path);
    }
    for (const Compiler& compiler : runtime.compilers) {
      EXPECT_THAT(compiler.tool, StartsWith("/usr/bin/"));
      EXPECT_THAT(compiler.install_hint, StartsWith("apt-get install "));
      EXPECT_THAT(compiler.script, Not(::testing::IsEmpty()));
    }
  }
}

}  // namespace
}  // namespace nanogrid
