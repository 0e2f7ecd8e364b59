// The two ways of giving an instance an event and taking its result, without blocking.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/frame.h"
#include "core/unique_fd.h"
#include "nanogrid/job.h"

namespace nanogrid {

enum class Progress {
  kMore,      // wait for the descriptor again
  kAnswered,  // the result is complete
  kClosed,    // the other side wants or has no more
  kBroken,    // the protocol was broken
  kTooLong,   // the result exceeds its bound
};

class Conversation {
 public:
  virtual ~Conversation() = default;

  // To wait for; -1 when there is nothing more to write or read.
  virtual int write_fd() const = 0;
  virtual int read_fd() const = 0;

  virtual Progress Write() = 0;
  // `max_result`: what the result may still have in bytes.
  virtual Progress Read(uint64_t max_result) = 0;

  // Bytes of result seen or announced so far.
  virtual uint64_t result_size() const = 0;
};

// Invocation frames on two pipes (docs/frame-protocol.md).
class FrameConversation final : public Conversation {
 public:
  // The views must outlive it.
  FrameConversation(int input, int output, std::string_view request_id, std::string_view event,
                    int64_t deadline_ms, bool& ready_seen, LogSink& log);

  int write_fd() const override { return sent_ < total_ ? input_ : -1; }
  int read_fd() const override { return output_; }
  Progress Write() override;
  Progress Read(uint64_t max_result) override;
  uint64_t result_size() const override { return reported_ + (header_ ? header_->body_length : 0); }

  bool anything_sent() const { return sent_ > 0; }
  FrameType type() const { return header_->type; }
  std::string TakeBody() { return std::move(body_); }

 private:
  Progress Consume(std::string_view bytes, uint64_t max_result);
  Progress ConsumeHeader(std::string_view& bytes, uint64_t max_result);
  Progress ConsumeReport(std::string_view& bytes, uint64_t max_result);

  int input_;
  int output_;
  std::string head_;  // frame header and request id
  std::string_view event_;
  size_t sent_ = 0;
  size_t total_ = 0;
  bool& ready_seen_;
  LogSink& log_;

  std::string header_bytes_;
  std::optional<FrameHeader> report_;  // a PROGRESS frame whose body is on its way
  std::string report_body_;
  uint64_t reported_ = 0;              // bytes of progress so far
  std::optional<FrameHeader> header_;  // of the answer
  std::string body_;
};

// The event on standard input, the result on standard output.
class StdioConversation final : public Conversation {
 public:
  StdioConversation(UniqueFd input, UniqueFd output, std::string_view event)
      : input_(std::move(input)), output_(std::move(output)), event_(event) {
    if (event_.empty()) input_.Reset();
  }

  int write_fd() const override { return input_.get(); }
  int read_fd() const override { return output_.get(); }
  Progress Write() override;
  Progress Read(uint64_t max_result) override;
  uint64_t result_size() const override { return result_.size(); }

  std::string TakeResult() { return std::move(result_); }

 private:
  UniqueFd input_;
  UniqueFd output_;
  std::string_view event_;  // what is left of it
  std::string result_;
};

}  // namespace nanogrid
