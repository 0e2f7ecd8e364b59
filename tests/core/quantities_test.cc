#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(SizeTest, ReadsBytesAndPowersOf1024) {
  const std::pair<std::string_view, uint64_t> cases[] = {
      {"0", 0},
      {"1000", 1000},
      {"1K", 1024},
      {"128M", 128ull << 20},
      {"128m", 128ull << 20},
      {"1.5G", 3ull << 29},
      {"2T", 2ull << 40},
      {"0.5K", 512},
      {"1.1K", 1126},
      {"18446744073709551615", std::numeric_limits<uint64_t>::max()},
  };
  for (const auto& [text, bytes] : cases) {
    const Result<uint64_t> size = ParseSize("memory", text);
    ASSERT_TRUE(size.ok()) << text << ": " << size.status();
    EXPECT_EQ(*size, bytes) << text;
  }
}

TEST(SizeTest, RefusesWhatIsNoSizeAndNamesTheField) {
  for (const std::string_view text : {"",          "M",
                                      "-1",        "+1",
                                      " 1",        "1 ",
                                      "1 M",       "1MB",
                                      "1KiB",      "1P",
                                      "1..5M",     "1.5.5M",
                                      ".5M",       "1e3",
                                      "inf",       "nan",
                                      "0x10",      "18446744073709551616",
                                      "16777216T", "99999999999999999.5T"}) {
    const Result<uint64_t> size = ParseSize("memory", text);
    ASSERT_EQ(size.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(size.status().message()),
                AllOf(HasSubstr("memory"), HasSubstr("'" + std::string(text) + "'")));
  }
}

TEST(SizeTest, IsWrittenInTheLargestUnitThatIsExact) {
  const std::pair<uint64_t, std::string_view> cases[] = {{0, "0"},
                                                         {1000, "1000"},
                                                         {1024, "1K"},
                                                         {128ull << 20, "128M"},
                                                         {3ull << 29, "1536M"},
                                                         {1ull << 40, "1T"},
                                                         {(1ull << 20) + 1, "1048577"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(FormatSize(bytes), text);
    EXPECT_EQ(*ParseSize("", FormatSize(bytes)), bytes);
  }
}

TEST(DurationTest, ReadsTimesWithUnits) {
  const std::pair<std::string_view, Duration> cases[] = {
      {"30s", 30s},     {"30", 30s},         {"0.25", 250ms},
      {"250ms", 250ms}, {"1m30s", 90s},      {"2d", 48h},
      {"1.5h", 90min},  {"0s", 0s},          {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms},
      {"0.001ms", 1us}, {"10000d", 240'000h}};
  for (const auto& [text, time] : cases) {
    const Result<Duration> parsed = ParseDuration("timeout", text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, time) << text;
  }
}

TEST(DurationTest, RefusesWhatIsNoTimeAndNamesTheField) {
  for (const std::string_view text :
       {"", "s", "-1s", "+1s", " 1s", "1 s", "1x", "30s1m", "1s1s", "1m30", "1e3s", "inf", "nan",
        "none", "10000.1d", "1us", "99999999999999999999999999d"}) {
    const Result<Duration> parsed = ParseDuration("timeout", text);
    ASSERT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(parsed.status().message()),
                AllOf(HasSubstr("timeout"), HasSubstr("'" + std::string(text) + "'")));
  }
}

TEST(DurationTest, IsWrittenShortAndExact) {
  const std::pair<Duration, std::string_view> cases[] = {
      {0s, "0s"},          {30s, "30s"},
      {90s, "1m30s"},      {48h, "2d"},
      {1500ms, "1s500ms"}, {1us, "0.001ms"},
      {1500us, "1.5ms"},   {26h + 3min + 4s + 5ms, "1d2h3m4s5ms"}};
  for (const auto& [time, text] : cases) {
    EXPECT_EQ(FormatDuration(time), text);
    EXPECT_EQ(*ParseDuration("", FormatDuration(time)), time);
  }
  EXPECT_EQ(FormatDuration(-90s), "-1m30s");
  EXPECT_EQ(FormatDuration(1ns), "0.000001ms");
  EXPECT_FALSE(FormatDuration(Duration::min()).empty());
}

}  // namespace
}  // namespace nanogrid
