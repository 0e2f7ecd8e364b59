#include "core/frame.h"

#include "core/errors.h"

namespace nanogrid {
namespace {

template <typename Integer>
void StoreLittleEndian(Integer value, char* to) {
  for (size_t i = 0; i < sizeof(value); ++i) to[i] = static_cast<char>(value >> (8 * i));
}

template <typename Integer>
Integer LoadLittleEndian(const char* from) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) {
    value |= static_cast<Integer>(static_cast<unsigned char>(from[i])) << (8 * i);
  }
  return value;
}

}  // namespace

FrameHeaderBytes EncodeFrameHeader(const FrameHeader& header) {
  FrameHeaderBytes bytes{};
  StoreLittleEndian(static_cast<uint32_t>(header.type), &bytes[0]);
  StoreLittleEndian(header.meta_length, &bytes[4]);
  StoreLittleEndian(header.body_length, &bytes[8]);
  StoreLittleEndian(static_cast<uint64_t>(header.deadline_ms), &bytes[16]);
  return bytes;
}

Result<FrameHeader> DecodeFrameHeader(std::span<const char, kFrameHeaderSize> bytes) {
  const auto type = LoadLittleEndian<uint32_t>(&bytes[0]);
  const auto reserved = LoadLittleEndian<uint32_t>(&bytes[12]);
  const FrameHeader header{
      .type = static_cast<FrameType>(type),
      .meta_length = LoadLittleEndian<uint32_t>(&bytes[4]),
      .body_length = LoadLittleEndian<uint32_t>(&bytes[8]),
      .deadline_ms = static_cast<int64_t>(LoadLittleEndian<uint64_t>(&bytes[16])),
  };
  if (type < 1 || type > 5) return InvalidArgument("frame type {}: must be 1 to 5", type);
  const bool invoke = header.type == FrameType::kInvoke;
  const uint32_t max_meta = invoke ? kMaxFrameMeta : 0;
  if (header.meta_length > max_meta) {
    return InvalidArgument("frame meta_length {}: at most {} in a frame of type {}",
                           header.meta_length, max_meta, type);
  }
  const uint32_t max_body = header.type == FrameType::kReady      ? 0
                            : header.type == FrameType::kProgress ? kMaxFrameProgress
                                                                  : kMaxFrameBody;
  if (header.body_length > max_body) {
    return InvalidArgument("frame body_length {}: at most {} in a frame of type {}",
                           header.body_length, max_body, type);
  }
  if (reserved != 0) return InvalidArgument("frame reserved field {}: must be 0", reserved);
  if (header.deadline_ms < 0 || (!invoke && header.deadline_ms != 0)) {
    return InvalidArgument("frame deadline_ms {}: must be {} in a frame of type {}",
                           header.deadline_ms, invoke ? "0 or later" : "0", type);
  }
  return header;
}

}  // namespace nanogrid
