#include "core/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nanogrid {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

TEST(FrameTest, IsLaidOutAsSpecified) {
  const FrameHeaderBytes bytes = EncodeFrameHeader({.type = FrameType::kInvoke,
                                                    .meta_length = 0x0102,
                                                    .body_length = 0x03040506,
                                                    .deadline_ms = 0x1112131415161718});
  const unsigned char expected[] = {1, 0, 0, 0, 0x02, 0x01, 0,    0,    0x06, 0x05, 0x04, 0x03,
                                    0, 0, 0, 0, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
  EXPECT_THAT(std::vector<unsigned char>(bytes.begin(), bytes.end()), ElementsAreArray(expected));
}

TEST(FrameTest, IsReadBackAsTheSame) {
  const FrameHeader headers[] = {
      {},
      {.type = FrameType::kInvoke,
       .meta_length = kMaxFrameMeta,
       .body_length = kMaxFrameBody,
       .deadline_ms = INT64_MAX},
      {.type = FrameType::kResult, .body_length = kMaxFrameBody},
      {.type = FrameType::kError, .body_length = 1},
      {.type = FrameType::kReady},
      {.type = FrameType::kProgress, .body_length = kMaxFrameProgress},
  };
  for (const FrameHeader& header : headers) {
    const Result<FrameHeader> decoded = DecodeFrameHeader(EncodeFrameHeader(header));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, header);
  }
}

TEST(FrameTest, WhatBreaksTheProtocolIsNamed) {
  struct Case {
    FrameHeader header;
    std::string_view message;
  };
  const Case cases[] = {
      {{.type = static_cast<FrameType>(0)}, "type 0"},
      {{.type = static_cast<FrameType>(6)}, "type 6"},
      {{.meta_length = kMaxFrameMeta + 1}, "meta_length 4097: at most 4096"},
      {{.type = FrameType::kResult, .meta_length = 1}, "meta_length 1: at most 0"},
      {{.body_length = kMaxFrameBody + 1}, "body_length 1073741825: at most 1073741824"},
      {{.type = FrameType::kReady, .body_length = 1}, "body_length 1: at most 0"},
      {{.type = FrameType::kProgress, .body_length = 4001}, "body_length 4001: at most 4000"},
      {{.deadline_ms = -1}, "deadline_ms -1"},
      {{.type = FrameType::kResult, .deadline_ms = 1}, "deadline_ms 1: must be 0 "},
  };
  for (const Case& c : cases) {
    const Result<FrameHeader> decoded = DecodeFrameHeader(EncodeFrameHeader(c.header));
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument) << c.message;
    EXPECT_THAT(std::string(decoded.status().message()), HasSubstr(c.message));
  }
  FrameHeaderBytes bytes = EncodeFrameHeader({});
  bytes[12] = 1;
  EXPECT_THAT(std::string(DecodeFrameHeader(bytes).status().message()), HasSubstr("reserved"));
}

}  // namespace
}  // namespace nanogrid
