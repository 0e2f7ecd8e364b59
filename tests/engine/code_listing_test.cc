#include "engine/code_listing.h"

#include <gtest/gtest.h>

#include "engine/status_matchers.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;
using Kind = CodeEntry::Kind;

CodeListing Sample() {
  return {{"a.py", {Kind::kFile, "print(1)"}},
          {"b/link", {Kind::kLink, "../a.py"}},
          {"b/run", {Kind::kProgram, std::string("\0binary", 7)}},
          {"empty", {Kind::kFile, ""}}};
}

TEST(CodeListing, WhatWasEncodedIsDecoded) {
  const auto decoded = DecodeCode(EncodeCode(Sample()));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(*decoded, Sample());
}

TEST(CodeListing, EveryPropertyOfAnEntryChangesTheEncoding) {
  const std::string base = EncodeCode(Sample());
  CodeListing content = Sample();
  content["a.py"].content += ' ';
  CodeListing mode = Sample();
  mode["a.py"].kind = Kind::kProgram;
  CodeListing name = Sample();
  name["a.p"] = name["a.py"];
  name.erase("a.py");
  EXPECT_NE(EncodeCode(content), base);
  EXPECT_NE(EncodeCode(mode), base);
  EXPECT_NE(EncodeCode(name), base);
}

TEST(CodeListing, EveryTruncationIsDamage) {
  const std::string whole = EncodeCode({{"a", {Kind::kFile, "one"}}});
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(DecodeCode(std::string_view(whole).substr(0, length)), FailsWith(kDataLoss, ""))
        << length;
  }
}

TEST(CodeListing, AStoredListingThatNoCollectorWouldMakeIsDamage) {
  const auto with = [](std::string path, CodeEntry entry) {
    CodeListing listing = Sample();
    listing[std::move(path)] = std::move(entry);
    return DecodeCode(EncodeCode(listing));
  };
  EXPECT_THAT(with("../evil", {}), FailsWith(kDataLoss, "../evil"));
  EXPECT_THAT(with("/evil", {}), FailsWith(kDataLoss, "absolute"));
  EXPECT_THAT(with("./evil", {}), FailsWith(kDataLoss, "not normal"));
  EXPECT_THAT(with("evil/", {}), FailsWith(kDataLoss, "directory"));
  EXPECT_THAT(with("a.py/evil", {}), FailsWith(kDataLoss, "leads through"));
  EXPECT_THAT(with(".git/evil", {}), FailsWith(kDataLoss, "never stored"));
  EXPECT_THAT(with("evil", {Kind::kLink, "../evil"}), FailsWith(kDataLoss, "leads out"));
}

TEST(CodeListing, EntriesOutOfOrderAreDamage) {
  const std::string a = EncodeCode({{"a", {}}});
  const std::string b = EncodeCode({{"b", {}}});
  const std::string magic = EncodeCode({});
  const std::string entry_a = a.substr(magic.size());
  const std::string entry_b = b.substr(magic.size());
  EXPECT_THAT(DecodeCode(magic + entry_a + entry_b), IsOk());
  EXPECT_THAT(DecodeCode(magic + entry_b + entry_a), FailsWith(kDataLoss, "order"));
  EXPECT_THAT(DecodeCode(magic + entry_a + entry_a), FailsWith(kDataLoss, "order"));
}

TEST(CodeListing, ManyLinksThatLeadFarAreRefusedQuickly) {
  // 40 links, each a hundred steps to the next, and thousands that lead to the first of them.
  CodeCollector collector({});
  std::string detour;
  for (int i = 0; i < 100; ++i) detour += "x/../";
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "l" + std::to_string(i);
    const std::string target = detour + "l" + std::to_string(i < 39 ? i + 1 : 0);
    ASSERT_THAT(collector.Begin(name, Kind::kLink, 0), IsOk());
    ASSERT_THAT(collector.Append(target), IsOk());
  }
  EXPECT_THAT(collector.Finish(), FailsWith(kInvalidArgument, "link"));
}

}  // namespace
}  // namespace nanogrid
