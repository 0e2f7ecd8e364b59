#include "engine/code_zip.h"

#include <gtest/gtest.h>

#include "engine/status_matchers.h"
#include "engine/zip_builder.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;
using Kind = CodeEntry::Kind;

constexpr uint32_t kLink = 0120777;

TEST(Zip, FilesAndProgramsAndLinksInsideAreRead) {
  const auto listing = ReadZip(MakeZip({{.name = "a.py", .content = "print(1)"},
                                        {.name = "bin/", .mode = 040755},
                                        {.name = "bin/run", .content = "#!", .mode = 0100755},
                                        {.name = "bin/again", .content = "run", .mode = kLink},
                                        {.name = "up", .content = "bin/../a.py", .mode = kLink}}),
                               {});
  ASSERT_THAT(listing, IsOk());
  EXPECT_EQ(*listing, (CodeListing{{"a.py", {Kind::kFile, "print(1)"}},
                                   {"bin/again", {Kind::kLink, "run"}},
                                   {"bin/run", {Kind::kProgram, "#!"}},
                                   {"up", {Kind::kLink, "bin/../a.py"}}}));
}

TEST(Zip, DeflatedAndZip64ArchivesGiveTheSame) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a", std::string(100'000, 'a')}, {"empty", ""}, {"ü/名.py", "x"}};
  const auto deflated = ReadZip(MakeDeflatedZip(files), {});
  const auto zip64 = ReadZip(MakeDeflatedZip(files, true), {});
  ASSERT_THAT(deflated, IsOk());
  ASSERT_THAT(zip64, IsOk());
  EXPECT_EQ(*deflated, *zip64);
  EXPECT_EQ(deflated->at("a").content, files[0].second);
  EXPECT_EQ(deflated->at("ü/名.py").content, "x");
}

TEST(Zip, NamesMarkedAsUtf8KeepTheirCharacters) {
  const auto listing = ReadZip(MakeZip({{.name = "ü名.py", .content = "x", .flags = 1 << 11}}), {});
  ASSERT_THAT(listing, IsOk());
  EXPECT_TRUE(listing->contains("ü名.py"));
}

TEST(Zip, VersionControlAndCachesAreLeftOut) {
  const auto listing = ReadZip(MakeZip({{.name = ".git/config", .content = "x"},
                                        {.name = "a/__pycache__/b.pyc", .content = "x"},
                                        {.name = "node_modules/.cache/x", .content = "x"},
                                        {.name = "node_modules/m/index.js", .content = "x"},
                                        {.name = ".gitignore", .content = "x"}}),
                               {});
  ASSERT_THAT(listing, IsOk());
  EXPECT_EQ(listing->size(), 2);
  EXPECT_TRUE(listing->contains(".gitignore"));
  EXPECT_TRUE(listing->contains("node_modules/m/index.js"));
}

struct Hostile {
  const char* title;
  std::vector<ZipEntry> entries;
  const char* message;
};
void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.title; }

class HostileZip : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileZip, IsRefusedAndTheEntryNamed) {
  const auto listing = ReadZip(MakeZip(GetParam().entries), {});
  EXPECT_THAT(listing, FailsWith(kInvalidArgument, GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Archives, HostileZip,
    ::testing::Values(
        Hostile{"Traversal", {{.name = "../evil"}}, "'../evil': the name leads out"},
        Hostile{
            "TraversalInside", {{.name = "a/../../evil"}}, "'a/../../evil': the name leads out"},
        Hostile{"Absolute", {{.name = "/etc/passwd"}}, "'/etc/passwd': the name is absolute"},
        Hostile{"Backslash", {{.name = "x/..\\evil"}}, "backslash"},
        Hostile{"ControlCharacter", {{.name = "a\nb"}}, "'a\\x0ab': the name has a control"},
        Hostile{"Escape", {{.name = "\x1b[2J"}}, "'\\x1b[2J'"},
        Hostile{"NotUtf8", {{.name = "a\xff"}}, "'a\\xff': the name is not UTF-8"},
        Hostile{"EmptySegment", {{.name = "a//b"}}, "'a//b': the name has an empty"},
        Hostile{"DotSegment", {{.name = "a/./b"}}, "'a/./b': the name has an empty or '.'"},
        Hostile{"LongName", {{.name = std::string(1500, 'n')}}, "1500 bytes, the limit is 1024"},
        Hostile{"LongSegment", {{.name = std::string(256, 'n')}}, "longer than 255"},
        Hostile{"Deep",
                {{.name =
                      [] {
                        std::string name;
                        for (int i = 0; i < 100; ++i) name += "d/";
                        return name + "f";
                      }()}},
                "64 directories deep"},
        Hostile{"Twice", {{.name = "a"}, {.name = "a"}}, "'a' is there twice"},
        Hostile{"TwiceByPrefix", {{.name = "a"}, {.name = "./a"}}, "'a' is there twice"},
        Hostile{"FileAsDirectory", {{.name = "a"}, {.name = "a/b"}}, "'a/b' leads through 'a'"},
        Hostile{"DirectoryAsFile", {{.name = "a/b"}, {.name = "a"}}, "'a' is there twice"},
        Hostile{"LinkOut",
                {{.name = "l", .content = "../x", .mode = kLink}},
                "link 'l' to '../x' leads out"},
        Hostile{"LinkAbsolute",
                {{.name = "l", .content = "/etc/passwd", .mode = kLink}},
                "link 'l': its target '/etc/passwd' is absolute"},
        Hostile{"LinkOutThroughLink",
                {{.name = "a/b/l", .content = "../..", .mode = kLink},
                 {.name = "m", .content = "a/b/l/../x", .mode = kLink}},
                "link 'm' to 'a/b/l/../x' leads out"},
        Hostile{"LinkLoop",
                {{.name = "l", .content = "m", .mode = kLink},
                 {.name = "m", .content = "l", .mode = kLink}},
                "loop of links"},
        Hostile{"LinkNowhere", {{.name = "l", .mode = kLink}}, "link 'l'"},
        Hostile{"LinkThenWriteThrough",
                {{.name = "l", .content = "d", .mode = kLink}, {.name = "l/f", .content = "x"}},
                "'l/f' leads through 'l', which is no directory"},
        Hostile{"Device", {{.name = "null", .mode = 0020666}}, "'null' is neither a file"},
        Hostile{"Socket", {{.name = "sock", .mode = 0140644}}, "'sock' is neither a file"},
        Hostile{"HugeDeclaredSize",
                {{.name = "huge", .content = "x", .declared_size = 0xF0000000u}},
                "'huge' makes a file with too many bytes; the limit is 268435456"},
        Hostile{"Encrypted",
                {{.name = "secret", .content = "0123456789abcdef", .flags = 1}},
                "'secret' is encrypted"},
        Hostile{"NothingInIt", {}, "code: "},
        Hostile{"OnlyDirectories", {{.name = "d/", .mode = 040755}}, "no files"}),
    [](const auto& test) { return test.param.title; });

TEST(Zip, TooManyFilesAreRefusedAtTheFirstBeyondTheLimit) {
  std::vector<ZipEntry> entries(100'000 % 65'536);
  for (size_t i = 0; i < entries.size(); ++i) entries[i].name = std::to_string(i);
  EXPECT_THAT(ReadZip(MakeZip(entries), {}),
              FailsWith(kInvalidArgument, "entry '20000' is one too many: the limit is 20000"));
}

TEST(Zip, AHundredThousandEntriesOfZip64AreCounted) {
  std::vector<std::pair<std::string, std::string>> files(100'000);
  for (size_t i = 0; i < files.size(); ++i) files[i].first = std::to_string(i);
  const std::string archive = MakeDeflatedZip(files);
  EXPECT_THAT(ReadZip(archive, {}), FailsWith(kInvalidArgument, "one too many"));
  const auto listing = ReadZip(archive, {.max_files = 100'000});
  ASSERT_THAT(listing, IsOk());
  EXPECT_EQ(listing->size(), 100'000);
}

TEST(Zip, ImpliedDirectoriesCountAsFiles) {
  EXPECT_THAT(ReadZip(MakeZip({{.name = "a/b/c/d"}}), {.max_files = 3}),
              FailsWith(kInvalidArgument, "one too many"));
  EXPECT_THAT(ReadZip(MakeZip({{.name = "a/b/c/d"}}), {.max_files = 4}), IsOk());
}

TEST(Zip, ABombIsRefusedByItsRatio) {
  const std::string bomb = MakeDeflatedZip({{"bomb", std::string(24 << 20, '\0')}});
  EXPECT_THAT(ReadZip(bomb, {}), FailsWith(kInvalidArgument, "'bomb' makes the archive unpack"));
  EXPECT_THAT(ReadZip(bomb, {.max_ratio = 10'000}), IsOk());
}

TEST(Zip, TheFirstTenMebibytesAreFreeOfTheRatio) {
  EXPECT_THAT(ReadZip(MakeDeflatedZip({{"zeros", std::string(10 << 20, '\0')}}), {}), IsOk());
}

TEST(Zip, TotalBytesAreLimited) {
  const std::string archive = MakeZip({{.name = "a", .content = std::string(600, 'a')},
                                       {.name = "b", .content = std::string(600, 'b')}});
  EXPECT_THAT(ReadZip(archive, {.max_bytes = 1000}),
              FailsWith(kInvalidArgument, "the limit is 1000"));
  const std::string deflated =
      MakeDeflatedZip({{"a", std::string(600, 'a')}, {"b", std::string(600, 'b')}});
  EXPECT_THAT(ReadZip(deflated, {.max_bytes = 1000}),
              FailsWith(kInvalidArgument, "'b' makes too many bytes in all; the limit is 1000"));
}

TEST(Zip, FileBytesAreLimited) {
  EXPECT_THAT(
      ReadZip(MakeDeflatedZip({{"a", std::string(600, 'a')}}), {.max_file_bytes = 500}),
      FailsWith(kInvalidArgument, "'a' makes a file with too many bytes; the limit is 500"));
}

TEST(Zip, WhatIsNoZipIsRefused) {
  EXPECT_THAT(ReadZip("", {}), FailsWith(kInvalidArgument, "code: "));
  EXPECT_THAT(ReadZip("not a zip archive at all", {}), FailsWith(kInvalidArgument, "code: "));
}

TEST(Zip, OtherArchivesThatLibarchiveKnowsAreRefused) {
  std::string tar(10240, '\0');
  tar.replace(0, 1, "f");
  tar.replace(257, 5, "ustar");
  EXPECT_THAT(ReadZip(tar, {}), FailsWith(kInvalidArgument, "code: "));
}

TEST(Zip, EveryTruncationIsRefused) {
  const std::string whole = MakeZip({{.name = "a", .content = "content"}, {.name = "b/c"}});
  ASSERT_THAT(ReadZip(whole, {}), IsOk());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ReadZip(std::string_view(whole).substr(0, length), {}).ok()) << length;
  }
}

TEST(Zip, DamagedContentIsRefused) {
  std::string archive = MakeZip({{.name = "file", .content = "content"}});
  archive[archive.find("content")] = 'C';
  EXPECT_THAT(ReadZip(archive, {}), FailsWith(kInvalidArgument, "'file'"));
}

}  // namespace
}  // namespace nanogrid
