// The frame protocol between host and runtime: header codec and checks. docs/frame-protocol.md is
// the specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "nanogrid/status.h"

namespace nanogrid {

enum class FrameType : uint32_t { kInvoke = 1, kResult = 2, kError = 3, kReady = 4, kProgress = 5 };

struct FrameHeader {
  FrameType type = FrameType::kInvoke;
  uint32_t meta_length = 0;
  uint32_t body_length = 0;
  int64_t deadline_ms = 0;  // since 1970; 0: none

  bool operator==(const FrameHeader&) const = default;
};

inline constexpr size_t kFrameHeaderSize = 24;
inline constexpr uint32_t kMaxFrameMeta = 4096;
inline constexpr uint32_t kMaxFrameBody = 1u << 30;
// With its header it goes into a pipe in one piece, whichever thread writes it (pipe(7): PIPE_BUF).
inline constexpr uint32_t kMaxFrameProgress = 4000;

using FrameHeaderBytes = std::array<char, kFrameHeaderSize>;

FrameHeaderBytes EncodeFrameHeader(const FrameHeader& header);
// InvalidArgument names the field that breaks the protocol.
Result<FrameHeader> DecodeFrameHeader(std::span<const char, kFrameHeaderSize> bytes);

}  // namespace nanogrid
