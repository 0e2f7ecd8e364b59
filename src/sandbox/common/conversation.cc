#include "sandbox/common/conversation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/json.h"

namespace nanogrid {
namespace {

constexpr size_t kReadSize = 16 * 1024;
constexpr size_t kMaxGrowth = 4u << 20;  // a body's buffer grows as it arrives, not as announced

constexpr int kPipeSize = 64 * 1024;         // as the kernel makes them
constexpr int kLargePipeSize = 1024 * 1024;  // what it allows everybody

// Fewer, larger turns for a large payload. Refused to users who have many; then it stays as it is.
void GrowPipe(int fd) {
  if (fcntl(fd, F_GETPIPE_SZ) < kLargePipeSize) (void)fcntl(fd, F_SETPIPE_SZ, kLargePipeSize);
}

bool WouldBlock() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

FrameConversation::FrameConversation(int input, int output, std::string_view request_id,
                                     std::string_view event, int64_t deadline_ms, bool& ready_seen,
                                     LogSink& log)
    : input_(input), output_(output), event_(event), ready_seen_(ready_seen), log_(log) {
  FrameHeader header;
  header.type = FrameType::kInvoke;
  header.meta_length = static_cast<uint32_t>(request_id.size());
  header.body_length = static_cast<uint32_t>(event.size());
  header.deadline_ms = deadline_ms;
  const FrameHeaderBytes bytes = EncodeFrameHeader(header);
  head_.reserve(bytes.size() + request_id.size());
  head_.append(bytes.data(), bytes.size()).append(request_id);
  total_ = head_.size() + event_.size();
  if (total_ > kPipeSize) GrowPipe(input_);
}

// One piece at a time: while more is to come, what the runtime says meanwhile is looked at first.
// In a loop a runtime that reads as fast as this writes could have the whole question with its
// answer already given.
Progress FrameConversation::Write() {
  if (sent_ == total_) return Progress::kMore;
  std::array<iovec, 2> parts{};
  size_t count = 0;
  if (sent_ < head_.size()) parts[count++] = {head_.data() + sent_, head_.size() - sent_};
  const size_t event_sent = sent_ > head_.size() ? sent_ - head_.size() : 0;
  if (event_sent < event_.size()) {
    parts[count++] = {const_cast<char*>(event_.data()) + event_sent, event_.size() - event_sent};
  }
  const ssize_t sent = writev(input_, parts.data(), static_cast<int>(count));
  if (sent < 0) return WouldBlock() ? Progress::kMore : Progress::kClosed;
  sent_ += static_cast<size_t>(sent);
  return Progress::kMore;
}

Progress FrameConversation::Read(uint64_t max_result) {
  for (;;) {
    ssize_t got;
    std::array<char, kReadSize> buffer;
    if (header_ && header_->body_length - body_.size() > buffer.size()) {
      // A large body goes straight to its place.
      const size_t have = body_.size();
      const size_t want = std::min<size_t>(header_->body_length - have, kMaxGrowth);
      body_.resize(have + want);
      got = read(output_, body_.data() + have, want);
      body_.resize(have + (got > 0 ? static_cast<size_t>(got) : 0));
      if (got > 0 && body_.size() == header_->body_length) return Progress::kAnswered;
      if (got > 0) continue;
    } else {
      got = read(output_, buffer.data(), buffer.size());
    }
    if (got == 0) return Progress::kClosed;
    if (got < 0) return WouldBlock() ? Progress::kMore : Progress::kClosed;
    const Progress progress = Consume({buffer.data(), static_cast<size_t>(got)}, max_result);
    // A short read has emptied the pipe.
    if (progress != Progress::kMore || static_cast<size_t>(got) < buffer.size()) return progress;
  }
}

Progress FrameConversation::Consume(std::string_view bytes, uint64_t max_result) {
  for (;;) {
    if (report_) {
      const Progress progress = ConsumeReport(bytes, max_result);
      if (progress != Progress::kMore || report_) return progress;
    }
    if (!header_) {
      const Progress progress = ConsumeHeader(bytes, max_result);
      if (progress != Progress::kMore) return progress;
      if (report_) continue;
      if (!header_) return Progress::kMore;
    }
    const size_t missing = header_->body_length - body_.size();
    body_.append(bytes.substr(0, missing));
    bytes.remove_prefix(std::min(missing, bytes.size()));
    if (body_.size() < header_->body_length) return Progress::kMore;
    return bytes.empty() ? Progress::kAnswered : Progress::kBroken;
  }
}

// Reads on to the header of an answer or a report. kMore with neither: more bytes are needed.
Progress FrameConversation::ConsumeHeader(std::string_view& bytes, uint64_t max_result) {
  for (;;) {
    const size_t missing = kFrameHeaderSize - header_bytes_.size();
    header_bytes_.append(bytes.substr(0, missing));
    bytes.remove_prefix(std::min(missing, bytes.size()));
    if (header_bytes_.size() < kFrameHeaderSize) return Progress::kMore;
    const Result<FrameHeader> header = DecodeFrameHeader(
        std::span<const char, kFrameHeaderSize>(header_bytes_.data(), kFrameHeaderSize));
    header_bytes_.clear();
    if (!header.ok() || header->meta_length != 0) return Progress::kBroken;
    if (header->type == FrameType::kReady) {
      if (ready_seen_) return Progress::kBroken;
      ready_seen_ = true;
      continue;
    }
    // An answer before the whole question is out is none.
    if (header->type == FrameType::kInvoke || sent_ < total_) return Progress::kBroken;
    if (header->type == FrameType::kProgress) {
      report_ = *header;
      return Progress::kMore;
    }
    header_ = *header;
    if (reported_ + header_->body_length > max_result) return Progress::kTooLong;
    if (header_->body_length > kPipeSize) GrowPipe(output_);
    return Progress::kMore;
  }
}

Progress FrameConversation::ConsumeReport(std::string_view& bytes, uint64_t max_result) {
  const size_t missing = report_->body_length - report_body_.size();
  report_body_.append(bytes.substr(0, missing));
  bytes.remove_prefix(std::min(missing, bytes.size()));
  if (report_body_.size() < report_->body_length) return Progress::kMore;
  reported_ += kFrameHeaderSize + report_body_.size();  // without end it would be a flood
  if (reported_ > max_result) return Progress::kTooLong;
  if (!CheckJson(report_body_).ok()) return Progress::kBroken;
  log_.Progress(report_body_);
  report_body_.clear();
  report_.reset();
  return Progress::kMore;
}

Progress StdioConversation::Write() {
  while (!event_.empty()) {
    const ssize_t wrote = write(input_.get(), event_.data(), event_.size());
    if (wrote < 0 && WouldBlock()) return Progress::kMore;
    if (wrote < 0) break;
    event_.remove_prefix(static_cast<size_t>(wrote));
  }
  input_.Reset();
  return Progress::kMore;
}

Progress StdioConversation::Read(uint64_t max_result) {
  std::array<char, kReadSize> buffer;
  for (;;) {
    if (!output_) return Progress::kClosed;
    const ssize_t got = read(output_.get(), buffer.data(), buffer.size());
    if (got < 0 && WouldBlock()) return Progress::kMore;
    if (got <= 0) {
      output_.Reset();
      return Progress::kClosed;
    }
    result_.append(buffer.data(), static_cast<size_t>(got));
    if (result_.size() > max_result) return Progress::kTooLong;
  }
}

}  // namespace nanogrid
