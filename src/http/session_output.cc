// Output of a session: from the handler to the socket.
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "http/session.h"
#include "http/session_answer.h"

namespace nanogrid {
namespace {

TimePoint Now() { return std::chrono::steady_clock::now(); }

constexpr uint64_t kFileStep = 1 << 20;  // of one connection before others have their turn
constexpr size_t kClaimFrom = 16 << 10;  // smaller output is not worth accounting for

}  // namespace

void Session::SendWhole(HttpResponse response) {
  using Body = ResponseFraming::Body;
  const uint64_t length = response.file ? response.file->size() : response.body.size();
  if (response.body.size() > kClaimFrom && !output_claim_.Resize(response.body.size())) {
    response = host_->handler->Refuse(
        503, "too many large requests and answers are on their way; try again later");
    close_after_ = true;
    return SendWhole(std::move(response));
  }
  answer_->status = response.status;
  answer_->finished = true;
  close_after_ = close_after_ || host_->stopping;
  AppendHead(output_, response, {.body = Body::kLength, .length = length, .close = close_after_});
  if (answer_->method != "HEAD") {
    if (output_.empty()) output_.reserve(output_.size() + response.body.size());
    output_ += response.body;
    answer_->file = std::move(response.file);
  }
  Flush();
}

void Session::OnSend(uint64_t id, HttpResponse response) {
  if (!IsCurrent(id) || answer_->finished) return;
  if (answer_->status == 0) return SendWhole(std::move(response));
  if (!answer_->late_sent) return;
  answer_->finished = true;
  answer_->heartbeat.clear();
  HttpHeaders trailers;
  for (const auto& [name, value] : response.headers) {
    if (HasToken(answer_->late->headers.Get("Trailer"), name)) trailers.Add(name, value);
  }
  answer_->file = std::move(response.file);
  if (answer_->file == nullptr) AppendPiece(response.body);
  if (answer_->chunked) {
    // A file is one chunk.
    if (answer_->file != nullptr) output_ += fmt::format("{:x}\r\n", answer_->file->size());
    std::string& last = answer_->file != nullptr ? answer_->behind_file : output_;
    if (answer_->file != nullptr) last = "\r\n";
    AppendLastChunk(last, trailers);
  }
  Flush();
}

void Session::OnBegin(uint64_t id, const HttpResponse& head, std::string heartbeat) {
  if (!IsCurrent(id) || answer_->status != 0) return;
  if (host_->stopping) return Close();
  answer_->heartbeat = std::move(heartbeat);
  BeginStream(head);
}

void Session::BeginStream(const HttpResponse& head) {
  using Body = ResponseFraming::Body;
  answer_->status = head.status;
  answer_->streaming = true;
  answer_->chunked = answer_->version == 11;
  answer_->finished = answer_->method == "HEAD";
  close_after_ = close_after_ || !answer_->chunked;
  progress_ = Now();
  AppendHead(
      output_, head,
      {.body = answer_->chunked ? Body::kChunked : Body::kUntilClose, .close = close_after_});
  Flush();
}

void Session::OnLateHead(uint64_t id, HttpResponse head, std::string heartbeat) {
  if (!IsCurrent(id) || answer_->status != 0) return;
  answer_->late = std::make_unique<HttpResponse>(std::move(head));
  answer_->heartbeat = std::move(heartbeat);
}

void Session::AppendPiece(std::string_view piece) {
  if (answer_->chunked) {
    AppendChunk(output_, piece);
  } else {
    output_ += piece;
  }
}

void Session::OnWrite(uint64_t id, std::string_view bytes, HttpResponder::Callback sent) {
  if (!IsCurrent(id) || !answer_->streaming || answer_->finished) return;
  AppendPiece(bytes);
  if (output_.size() > kClaimFrom && !output_claim_.Resize(output_.size())) return Close();
  answer_->sent = std::move(sent);
  progress_ = Now();
  Flush();
}

void Session::OnStreamEnd(uint64_t id) {
  if (!IsCurrent(id) || !answer_->streaming || answer_->finished) return;
  answer_->finished = true;
  if (answer_->chunked) AppendLastChunk(output_, {});
  Flush();
}

void Session::OnEndCallback(uint64_t id, HttpResponder::Callback ended) {
  if (!IsCurrent(id)) return ended();
  answer_->ended = std::move(ended);
}

void Session::OnAbandoned(uint64_t id) {
  if (!IsCurrent(id) || answer_->finished) return;
  if (answer_->status != 0) return Close();
  SendWhole(host_->handler->Refuse(500, "the request was dropped"));
}

void Session::AwaitWritable() {
  if (awaiting_writable_) return;
  awaiting_writable_ = true;
  progress_ = Now();
  socket_.async_wait(socket_.wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->awaiting_writable_ = false;
                       if (self->phase_ == Phase::kClosed) return;
                       if (error) return self->Close();
                       self->Flush();
                     });
}

void Session::Flush() {
  if (awaiting_writable_ || phase_ == Phase::kClosed) return;
  const int fd = socket_.native_handle();
  while (output_sent_ < output_.size()) {
    const bool more = answer_ != nullptr && answer_->file != nullptr;
    const ssize_t sent = ::send(fd, output_.data() + output_sent_, output_.size() - output_sent_,
                                MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return AwaitWritable();
    if (sent < 0) return Close();
    output_sent_ += static_cast<size_t>(sent);
  }
  output_sent_ = 0;
  output_ = {};
  (void)output_claim_.Resize(0);
  if (answer_ == nullptr) return;
  if (answer_->file != nullptr && !FlushFile()) return;
  if (answer_->sent) std::exchange(answer_->sent, nullptr)();
  if (answer_ != nullptr && answer_->finished && output_.empty()) Complete();
}

// True when all of it is out.
bool Session::FlushFile() {
  Answer& answer = *answer_;
  uint64_t step = 0;
  while (answer.file_sent < answer.file->size()) {
    if (step >= kFileStep) {
      AwaitWritable();
      return false;
    }
    off_t offset = static_cast<off_t>(answer.file_sent);
    const ssize_t sent = ::sendfile(socket_.native_handle(), answer.file->fd(), &offset,
                                    answer.file->size() - answer.file_sent);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      AwaitWritable();
      return false;
    }
    if (sent <= 0) {
      Close();
      return false;
    }
    answer.file_sent += static_cast<uint64_t>(sent);
    step += static_cast<uint64_t>(sent);
  }
  answer.file.reset();
  if (answer.behind_file.empty()) return true;
  output_ = std::exchange(answer.behind_file, {});
  Flush();
  return false;
}

void Session::EndRequest() {
  if (answer_ == nullptr) return;
  const std::unique_ptr<Answer> answer = std::move(answer_);
  const int status = answer->status == 0 ? 499 : answer->status;  // 499: the client went first
  host_->handler->Observe(answer->route, answer->method, status, Now() - answer->began);
  if (answer->ended) answer->ended();
}

void Session::Complete() {
  EndRequest();
  if (phase_ == Phase::kClosed) return;
  parser_.reset();
  (void)body_claim_.Resize(0);
  if (close_after_ || input_ended_) {
    input_ = {};
    return input_ended_ ? Close() : Linger();
  }
  phase_ = Phase::kIdle;
  deadline_ = Now() + host_->limits.idle_timeout;
  if (input_.empty()) return AwaitInput();
  // Not from here: a client that sends a thousand requests at once would make a deep stack.
  boost::asio::post(host_->io, [self = shared_from_this()] {
    if (self->phase_ == Phase::kIdle) self->Consume({});
  });
}

}  // namespace nanogrid
