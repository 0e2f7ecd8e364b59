// Whether an output directory is still empty, told by one look, on a tmpfs as an instance's is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "sandbox/common/output_files.h"

namespace nanogrid {
namespace {

class OutputEmptyMark : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(path_.data()), nullptr);
    struct statfs system {};
    ASSERT_EQ(statfs(path_.c_str(), &system), 0);
    if (system.f_type != TMPFS_MAGIC) GTEST_SKIP() << "/dev/shm is no tmpfs";
  }
  ~OutputEmptyMark() override {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  UniqueFd Open() const { return UniqueFd(open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)); }
  std::string At(const char* name) const { return path_ + "/" + name; }

  std::string path_ = "/dev/shm/nanogrid-test-XXXXXX";
  EmptyMark mark_{};
};

TEST_F(OutputEmptyMark, NothingIsSureBeforeTheFirstLook) { EXPECT_FALSE(mark_.Holds()); }

TEST_F(OutputEmptyMark, ItHoldsAsLongAsNothingHappens) {
  mark_.Look(Open());
  EXPECT_TRUE(mark_.Holds());
  EXPECT_TRUE(mark_.Holds());
}

TEST_F(OutputEmptyMark, AnythingThatIsMadeEndsIt) {
  for (const auto make : {+[](const char* path) { return mkdir(path, 0700); },
                          +[](const char* path) { return mkfifo(path, 0600); },
                          +[](const char* path) { return symlink("/", path); }}) {
    mark_.Look(Open());
    ASSERT_TRUE(mark_.Holds());
    ASSERT_EQ(make(At("x").c_str()), 0);
    EXPECT_FALSE(mark_.Holds());
    mark_.Look(Open());  // not empty
    EXPECT_FALSE(mark_.Holds());
    ASSERT_EQ(remove(At("x").c_str()), 0);
  }
}

TEST_F(OutputEmptyMark, ADirectoryThatIsGoneIsNotSure) {
  mark_.Look(Open());
  ASSERT_EQ(rmdir(path_.c_str()), 0);
  EXPECT_FALSE(mark_.Holds());
}

}  // namespace
}  // namespace nanogrid
