// The collector of result files, on directories made by hand: whatever is in them, what comes out
// is plain files with decent names, within the limits.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sandbox/common/output_files.h"
#include "sandbox/keeping_sink.h"
#include "sandbox/sandbox_test_support.h"

namespace nanogrid {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class OutputCollection : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return directory_.path() + "/out/" + name; }
  void SetUp() override {
    ASSERT_EQ(mkdir((directory_.path() + "/out").c_str(), 0700), 0);
    parent_.Reset(open(directory_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void Collect(OutputLimits limits = {1000, 1 << 20}) {
    collected_ = {};
    sink_.files.clear();
    const size_t descriptors = CountDescriptors();
    {
      const UniqueFd out = OpenOutputDirectory(parent_.get(), "out");
      ASSERT_TRUE(out);
      ASSERT_TRUE(CollectOutput(out.get(), limits, sink_, collected_).ok());
    }
    EXPECT_EQ(CountDescriptors(), descriptors);
    uint64_t bytes = 0;
    for (const auto& [path, content] : sink_.files) bytes += content.size();
    EXPECT_LE(bytes, limits.max_bytes);
    EXPECT_EQ(collected_.files.size(), sink_.files.size());
    EXPECT_LE(collected_.refused.size(), kMaxRefusedFiles);
  }
  std::map<std::string, std::string> Refused() const {
    std::map<std::string, std::string> refused;
    for (const OutputFile& file : collected_.refused) refused[file.path] = file.reason;
    return refused;
  }
  Status Empty(uint64_t max_entries = 100'000) {
    const UniqueFd out = OpenOutputDirectory(parent_.get(), "out");
    return EmptyOutput(out.get(), max_entries);
  }
  bool HasAnything() {
    const UniqueFd out = OpenOutputDirectory(parent_.get(), "out");
    return HasOutput(out.get());
  }

  TestDirectory directory_;
  UniqueFd parent_;
  KeepingSink sink_;
  CollectedOutput collected_;
};

TEST_F(OutputCollection, AnEmptyDirectoryGivesNothing) {
  EXPECT_FALSE(HasAnything());
  Collect();
  EXPECT_THAT(sink_.files, IsEmpty());
  EXPECT_THAT(Refused(), IsEmpty());
}

TEST_F(OutputCollection, LinksAreNeverFollowed) {
  const std::string secret = directory_.Write("secret", "secret");
  const std::vector<std::string> targets = {secret,    "../secret", "/",
                                            "nowhere", "plain",     "/proc/self/fd/0"};
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::string name = "link" + std::to_string(i);
    ASSERT_EQ(symlink(targets[i].c_str(), At(name).c_str()), 0) << name;
  }
  directory_.Write("out/plain", "plain");
  Collect();
  EXPECT_THAT(sink_.files, ElementsAre(Pair("plain", "plain")));
  EXPECT_EQ(Refused().size(), 6u);
  for (const auto& [path, reason] : Refused()) EXPECT_EQ(reason, "is a symbolic link") << path;
}

TEST_F(OutputCollection, ADirectoryThatIsALinkIsNotOpened) {
  ASSERT_EQ(rmdir(At("").c_str()), 0);
  ASSERT_EQ(symlink("/etc", (directory_.path() + "/out").c_str()), 0);
  EXPECT_FALSE(OpenOutputDirectory(parent_.get(), "out"));
  ASSERT_EQ(unlink((directory_.path() + "/out").c_str()), 0);
  EXPECT_FALSE(OpenOutputDirectory(parent_.get(), "out"));
  EXPECT_FALSE(OpenOutputDirectory(parent_.get(), ".."));
  EXPECT_FALSE(OpenOutputDirectory(parent_.get(), "/etc"));
}

TEST_F(OutputCollection, HardLinksAreRefusedWhereverTheOtherNameIs) {
  const std::string secret = directory_.Write("secret", "secret");
  ASSERT_EQ(link(secret.c_str(), At("stolen").c_str()), 0);
  directory_.Write("out/one", "1");
  ASSERT_EQ(link(At("one").c_str(), At("two").c_str()), 0);
  Collect();
  EXPECT_THAT(sink_.files, IsEmpty());
  EXPECT_THAT(Refused(), ElementsAre(Pair("one", HasSubstr("hard link")),
                                     Pair("stolen", HasSubstr("hard link")),
                                     Pair("two", HasSubstr("hard link"))));
}

TEST_F(OutputCollection, WhatIsNoFileIsNotOpened) {
  ASSERT_EQ(mkfifo(At("fifo").c_str(), 0666), 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const UniqueFd owner(listener);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(At("socket").size(), sizeof(address.sun_path));
  At("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const bool device = mknod(At("device").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0;
  Collect();
  EXPECT_THAT(sink_.files, IsEmpty());
  EXPECT_EQ(Refused()["fifo"], "is a FIFO");
  EXPECT_EQ(Refused()["socket"], "is a socket");
  EXPECT_EQ(Refused()["device"], device ? "is a device" : "");
}

TEST_F(OutputCollection, WhatItsOwnerMayNotReadIsRefusedForRootToo) {
  directory_.Write("out/closed", "x", 0);
  directory_.Write("out/inner/file", "x");
  ASSERT_EQ(chmod(At("inner").c_str(), 0300), 0);
  Collect();
  EXPECT_THAT(sink_.files, IsEmpty());
  EXPECT_THAT(Refused(), ElementsAre(Pair("closed", HasSubstr("not readable")),
                                     Pair("inner", HasSubstr("not readable"))));
  ASSERT_EQ(chmod(At("inner").c_str(), 0700), 0);
  ASSERT_EQ(chmod(At("").c_str(), 0), 0);
  Collect();
  EXPECT_THAT(Refused(), ElementsAre(Pair(".", HasSubstr("not readable"))));
  ASSERT_EQ(chmod(At("").c_str(), 0700), 0);
}

TEST_F(OutputCollection, SizesCountAsTheyAreSaidHoweverLittleIsThere) {
  directory_.Write("out/b-small", "small");
  for (const auto& [name, size] : std::map<std::string, off_t>{
           {"a-giant", off_t{1} << 42}, {"c-half", 700 << 10}, {"d-half", 700 << 10}}) {
    directory_.Write("out/" + name, "");
    ASSERT_EQ(truncate(At(name).c_str(), size), 0) << name;
  }
  Collect({1000, 1 << 20});
  EXPECT_EQ(sink_.files.size(), 2u);
  EXPECT_EQ(sink_.files["b-small"], "small");
  EXPECT_TRUE(sink_.files["c-half"] == std::string(700 << 10, '\0'));
  EXPECT_THAT(Refused(), ElementsAre(Pair("a-giant", HasSubstr("exceed 1048576 bytes")),
                                     Pair("d-half", HasSubstr("exceed 1048576 bytes"))));
  EXPECT_EQ(collected_.refused[0].size, uint64_t{1} << 42);
}

TEST_F(OutputCollection, SixteenSegmentsAreAllowed) {
  std::string path;
  for (int depth = 1; depth <= 20; ++depth) {
    directory_.Write("out/" + path + "file", "x");
    path += "d/";
  }
  Collect();
  EXPECT_EQ(sink_.files.size(), 16u);
  for (const auto& [name, content] : sink_.files) {
    EXPECT_LE(std::count(name.begin(), name.end(), '/'), 15) << name;
  }
  EXPECT_THAT(Refused(),
              ElementsAre(Pair("d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", HasSubstr("16 deep"))));
}

TEST_F(OutputCollection, FilesAndDirectoriesCountTogether) {
  for (int i = 0; i < 5; ++i) directory_.Write("out/" + std::to_string(i) + "/file", "x");
  Collect({10, 1 << 20});
  EXPECT_EQ(sink_.files.size(), 5u);
  EXPECT_THAT(Refused(), IsEmpty());
  Collect({9, 1 << 20});
  EXPECT_EQ(sink_.files.size(), 4u);
  EXPECT_THAT(Refused(), ElementsAre(Pair("4/file", HasSubstr("more than 9 files"))));
  Collect({0, 1 << 20});
  EXPECT_THAT(sink_.files, IsEmpty());
  EXPECT_EQ(collected_.refused.size(), 1u);
}

TEST_F(OutputCollection, OfManyBadOnesAHundredAreListed) {
  for (int i = 0; i < 300; ++i) ASSERT_EQ(symlink("x", At(std::to_string(i)).c_str()), 0);
  directory_.Write("out/good", "good");
  Collect({5000, 1 << 20});
  EXPECT_EQ(collected_.refused.size(), 100u);
  EXPECT_THAT(sink_.files, ElementsAre(Pair("good", "good")));
}

struct Name {
  std::string bytes;
  std::string shown;  // empty: it is taken as it is
};

TEST_F(OutputCollection, NamesAreUtf8WithoutControlCharacters) {
  const std::string long_name(255, 'n');
  const std::vector<Name> names = {
      {"plain.txt", ""},
      {".hidden", ""},
      {"...", ""},
      {"with space", ""},
      {"-rf", ""},
      {"back\\slash", ""},
      {"ä€😀", ""},
      {long_name, ""},
      {"line\nbreak", "line\\x0abreak"},
      {"tab\t", "tab\\x09"},
      {"escape\x1b[31m", "escape\\x1b[31m"},
      {"delete\x7f", "delete\\x7f"},
      {"csi\xc2\x9b", "csi\\xc2\\x9b"},
      {"latin\xe4", "latin\\xe4"},
      {"cut\xe2\x82", "cut\\xe2\\x82"},
      {"overlong\xc0\xaf", "overlong\\xc0\\xaf"},
      {"surrogate\xed\xa0\x80", "surrogate\\xed\\xa0\\x80"},
      {"\x01", "\\x01"},
  };
  size_t good = 0;
  for (const Name& name : names) {
    directory_.Write("out/" + name.bytes, "x");
    good += name.shown.empty() ? 1 : 0;
  }
  ASSERT_EQ(mkdir(At("bad\r").c_str(), 0700), 0);
  directory_.Write("out/bad\r/inner", "x");
  Collect();
  EXPECT_EQ(sink_.files.size(), good);
  for (const Name& name : names) {
    EXPECT_EQ(sink_.files.count(name.bytes), name.shown.empty() ? 1u : 0u) << name.bytes;
    if (name.shown.empty()) continue;
    EXPECT_THAT(Refused()[name.shown], HasSubstr("UTF-8")) << name.shown;
  }
  EXPECT_THAT(Refused()["bad\\x0d"], HasSubstr("UTF-8"));
}

TEST_F(OutputCollection, WhatTheSinkSaysEndsIt) {
  class Refusing final : public FileSink {
   public:
    explicit Refusing(int at) : left_(at) {}
    Status Begin(std::string_view, uint64_t) override { return Next(); }
    Status Write(std::string_view) override { return Next(); }
    Status End() override { return Next(); }

   private:
    Status Next() {
      EXPECT_GE(left_, 0) << "it was called again after an error";
      return left_-- == 0 ? absl::DataLossError("full") : absl::OkStatus();
    }
    int left_;
  };
  directory_.Write("out/a", "a");
  directory_.Write("out/b", "b");
  const UniqueFd out = OpenOutputDirectory(parent_.get(), "out");
  for (int at = 0; at < 6; ++at) {
    Refusing sink(at);
    CollectedOutput collected;
    EXPECT_EQ(CollectOutput(out.get(), {10, 1000}, sink, collected), absl::DataLossError("full"));
    EXPECT_EQ(collected.files.size(), static_cast<size_t>(at / 3));
  }
}

TEST_F(OutputCollection, EmptyingRemovesEverythingAndNothingElse) {
  const std::string secret = directory_.Write("secret/file", "secret");
  ASSERT_EQ(symlink((directory_.path() + "/secret").c_str(), At("link").c_str()), 0);
  ASSERT_EQ(mkfifo(At("fifo").c_str(), 0666), 0);
  directory_.Write("out/.nanogrid-0", "in the way");
  directory_.Write("out/.nanogrid-1/x", "in the way");
  UniqueFd at(open(At("").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 200; ++depth) {
    ASSERT_EQ(mkdirat(at.get(), "deep", 0700), 0);
    ASSERT_EQ(mkdirat(at.get(), "beside", 0700), 0);
    at.Reset(openat(at.get(), "deep", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  at.Reset();
  const size_t descriptors = CountDescriptors();
  EXPECT_TRUE(HasAnything());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few = {descriptors + 8, before.rlim_max};  // fewer than it is deep
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const Status emptied = Empty();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(emptied.ok()) << emptied;
  EXPECT_FALSE(HasAnything());
  EXPECT_EQ(CountDescriptors(), descriptors);
  EXPECT_EQ(ReadFile(secret), "secret");
}

TEST_F(OutputCollection, EmptyingGivesUpWhenThereIsNoEnd) {
  for (int i = 0; i < 100; ++i) directory_.Write("out/" + std::to_string(i), "x");
  EXPECT_EQ(Empty(50).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Empty(51).ok());
}

// Random trees of everything above: no crash, no descriptor left, the limits kept, no link or FIFO
// taken, and what is taken is what is there.
TEST_F(OutputCollection, RandomTreesKeepTheRules) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 25; ++round) {
    std::vector<std::string> directories = {""}, files;
    for (size_t i = below(60); i > 0; --i) {
      std::string name;
      for (size_t length = 1 + below(6); length > 0; --length) {
        name += static_cast<char>(1 + below(255));
      }
      std::replace(name.begin(), name.end(), '/', '_');
      const std::string path = directories[below(directories.size())] + name;
      const std::string host = At(path);
      switch (below(6)) {
        case 0:
          if (mkdir(host.c_str(), below(8) == 0 ? 0 : 0700) == 0) directories.push_back(path + "/");
          break;
        case 1:
          (void)!symlink(below(2) == 0 ? "/etc/passwd" : "..", host.c_str());
          break;
        case 2:
          if (!files.empty()) (void)!link(At(files[below(files.size())]).c_str(), host.c_str());
          break;
        case 3:
          (void)!mkfifo(host.c_str(), 0600);
          break;
        default: {
          const UniqueFd fd(open(host.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
          if (fd && ftruncate(fd.get(), static_cast<off_t>(below(100'000))) == 0) {
            files.push_back(path);
          }
        }
      }
    }
    Collect({below(80), below(1 << 20)});
    for (const auto& [path, content] : sink_.files) {
      struct stat info {};
      ASSERT_EQ(lstat(At(path).c_str(), &info), 0) << path;
      EXPECT_TRUE(S_ISREG(info.st_mode)) << path;
      EXPECT_EQ(info.st_nlink, 1u) << path;
      EXPECT_EQ(static_cast<size_t>(info.st_size), content.size()) << path;
    }
    for (const std::string& directory : directories) (void)chmod(At(directory).c_str(), 0700);
    ASSERT_TRUE(Empty().ok());
  }
}

}  // namespace
}  // namespace nanogrid
