#include "engine/code_load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "engine/status_matchers.h"
#include "engine/temp_directory.h"
#include "engine/zip_builder.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;
using Kind = CodeEntry::Kind;

TEST(LoadCode, InlineCodeIsOneFile) {
  const auto listing = LoadCode(Code::Inline("hello.py", "print(1)"), {});
  ASSERT_THAT(listing, IsOk());
  EXPECT_EQ(*listing, (CodeListing{{"hello.py", {Kind::kFile, "print(1)"}}}));
}

TEST(LoadCode, InlineCodeThatTheKernelCouldExecuteIsAProgram) {
  EXPECT_EQ(LoadCode(Code::Inline("run", "#!/bin/sh\n"), {})->at("run").kind, Kind::kProgram);
  EXPECT_EQ(LoadCode(Code::Inline("run",
                                  "\x7f"
                                  "ELF…"),
                     {})
                ->at("run")
                .kind,
            Kind::kProgram);
}

TEST(LoadCode, InlineNamesAreChecked) {
  EXPECT_THAT(LoadCode(Code::Inline("../x.py", ""), {}), FailsWith(kInvalidArgument, "../x.py"));
  EXPECT_THAT(LoadCode(Code::Inline("", ""), {}), FailsWith(kInvalidArgument, "name is empty"));
}

TEST(LoadCode, NoCodeIsNamed) {
  EXPECT_THAT(LoadCode(Code{}, {}), FailsWith(kInvalidArgument, "code: missing"));
}

TEST(LoadCode, AFileKeepsItsNameAndExecutableBit) {
  const TempDirectory directory;
  const std::string path = directory.Write("deep/tool", "x", 0755);
  const auto listing = LoadCode(Code::FromPath(path), {});
  ASSERT_THAT(listing, IsOk());
  EXPECT_EQ(*listing, (CodeListing{{"tool", {Kind::kProgram, "x"}}}));
}

TEST(LoadCode, ADirectoryAndItsZipGiveTheSameListing) {
  const TempDirectory directory;
  directory.Write("app.py", "import lib.a");
  directory.Write("lib/a.py", "x = 1");
  directory.Write("lib/run.sh", "#!/bin/sh", 0755);
  directory.Write("__pycache__/app.pyc", "cache");
  directory.Write(".git/HEAD", "ref");
  std::filesystem::create_directory(directory / "empty");
  std::filesystem::create_symlink("lib/a.py", directory / "link.py");
  const std::string zip = MakeZip({{.name = "lib/run.sh", .content = "#!/bin/sh", .mode = 0100700},
                                   {.name = "app.py", .content = "import lib.a"},
                                   {.name = "./lib/a.py", .content = "x = 1"},
                                   {.name = "link.py", .content = "lib/a.py", .mode = 0120777}});
  const auto from_directory = LoadCode(Code::FromPath(directory.path()), {});
  const auto from_bytes = LoadCode(Code::Zip(zip), {});
  const TempDirectory other;
  const auto from_file = LoadCode(Code::FromPath(other.Write("code.zip", zip)), {});
  ASSERT_THAT(from_directory, IsOk());
  ASSERT_THAT(from_bytes, IsOk());
  ASSERT_THAT(from_file, IsOk());
  EXPECT_EQ(*from_directory, *from_bytes);
  EXPECT_EQ(*from_directory, *from_file);
  EXPECT_EQ(from_directory->size(), 4);
}

TEST(LoadCode, ALinkOutOfADirectoryIsRefused) {
  const TempDirectory directory;
  directory.Write("a", "x");
  std::filesystem::create_symlink("/etc/passwd", directory / "passwd");
  EXPECT_THAT(LoadCode(Code::FromPath(directory.path()), {}),
              FailsWith(kInvalidArgument, "link 'passwd'"));
}

TEST(LoadCode, AFifoInADirectoryIsRefusedWithoutWaitingForIt) {
  const TempDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(LoadCode(Code::FromPath(directory.path()), {}),
              FailsWith(kInvalidArgument, "'pipe' is neither a file, a directory nor a link"));
  EXPECT_THAT(LoadCode(Code::FromPath(directory / "pipe"), {}),
              FailsWith(kInvalidArgument, "neither a file nor a directory"));
}

TEST(LoadCode, AMissingPathIsNotFound) {
  EXPECT_THAT(LoadCode(Code::FromPath("/no/such/thing"), {}), FailsWith(kNotFound, "/no/such"));
}

TEST(LoadCode, LimitsHoldForDirectoriesAndFiles) {
  const TempDirectory directory;
  directory.Write("a", std::string(100, 'a'));
  directory.Write("b", std::string(100, 'b'));
  EXPECT_THAT(LoadCode(Code::FromPath(directory.path()), {.max_bytes = 150}),
              FailsWith(kInvalidArgument, "limit is 150"));
  EXPECT_THAT(LoadCode(Code::FromPath(directory.path()), {.max_files = 1}),
              FailsWith(kInvalidArgument, "limit is 1 files"));
  EXPECT_THAT(LoadCode(Code::FromPath(directory / "a"), {.max_file_bytes = 99}),
              FailsWith(kInvalidArgument, "'a' makes a file with too many bytes; the limit is 99"));
}

}  // namespace
}  // namespace nanogrid
