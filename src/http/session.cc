// Input of a session: from the socket to the handler.
#include "http/session.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "http/exchange.h"
#include "http/session_answer.h"

namespace nanogrid {
namespace {

constexpr Duration kBodyWindow = std::chrono::seconds(10);
constexpr Duration kLinger = std::chrono::seconds(2);

TimePoint Now() { return std::chrono::steady_clock::now(); }

// Finds clients that vanished without a word, which no answer is being sent to.
void KeepAlive(int fd) {
  const int on = 1;
  const int idle_s = 30;
  const int interval_s = 10;
  const int probes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Session::Session(std::shared_ptr<SessionHost> host, boost::asio::ip::tcp::socket socket)
    : host_(std::move(host)),
      socket_(std::move(socket)),
      body_claim_(host_->memory),
      output_claim_(host_->memory) {}
Session::~Session() = default;

void Session::Start() {
  KeepAlive(socket_.native_handle());
  deadline_ = Now() + host_->limits.idle_timeout;
  AwaitInput();
}

void Session::AwaitInput() {
  if (awaiting_input_ || phase_ == Phase::kClosed) return;
  awaiting_input_ = true;
  socket_.async_wait(socket_.wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->awaiting_input_ = false;
                       if (self->phase_ == Phase::kClosed) return;
                       if (error) return self->Close();
                       self->OnReadable();
                     });
}

void Session::OnReadable() {
  if (phase_ == Phase::kHandling) return OnReadableWhileHandling();
  const ssize_t got =
      ::recv(socket_.native_handle(), host_->scratch.data(), host_->scratch.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return AwaitInput();
  if (got <= 0) return Close();
  if (phase_ == Phase::kLingering) return AwaitInput();
  Consume({host_->scratch.data(), static_cast<size_t>(got)});
}

// Only looks, whether the client is still there. A client that has closed its sending side may
// still wait for a whole answer, but a stream ends.
void Session::OnReadableWhileHandling() {
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return AwaitInput();
  if (got < 0) return Close();
  if (got > 0) return;  // its next request can wait
  if (answer_->streaming) return Close();
  input_ended_ = true;
}

void Session::Consume(std::string_view bytes) {
  std::string joined;
  if (!input_.empty()) {
    joined = std::exchange(input_, {}).append(bytes);
    bytes = joined;
  }
  while (true) {
    if (parser_ == nullptr) {
      if (bytes.empty()) break;
      parser_ = std::make_unique<RequestParser>(host_->limits.max_header);
      phase_ = Phase::kHeader;
      deadline_ = Now() + host_->limits.header_timeout;
    }
    const RequestParser::State before = parser_->state();
    const size_t taken = parser_->Feed(bytes);
    bytes.remove_prefix(taken);
    if (phase_ == Phase::kBody) window_bytes_ += taken;
    const bool progress = parser_->state() != before;
    if (!OnParsed(bytes)) return;
    if (!progress) break;
  }
  input_ = bytes;
  AwaitInput();
}

bool Session::OnParsed(std::string_view rest) {
  switch (parser_->state()) {
    case RequestParser::State::kHeader:
      return true;
    case RequestParser::State::kBody:
      return phase_ == Phase::kBody ? ClaimBody() : OnHeader(rest);
    case RequestParser::State::kDone:
      input_ = rest;
      if (ClaimBody()) Dispatch();
      return false;
    case RequestParser::State::kFailed:
      Refuse(parser_->error().status, parser_->error().message);
      return false;
  }
  return false;
}

bool Session::OnHeader(std::string_view rest) {
  HttpAdmission admission = host_->handler->Admit(parser_->request());
  answer_ = std::make_unique<Answer>();
  answer_->route = admission.route;
  answer_->method = parser_->request().method;
  answer_->version = parser_->request().version;
  answer_->began = Now();
  close_after_ = !parser_->keep_alive() || host_->stopping;
  max_body_ = std::min(admission.max_body, host_->limits.max_body);
  const std::optional<uint64_t> length = parser_->content_length();
  phase_ = Phase::kBody;
  if (admission.refusal) {
    close_after_ = close_after_ || length != 0u;
    phase_ = Phase::kHandling;
    input_ = rest;
    SendWhole(*std::move(admission.refusal));
    return false;
  }
  if (length.value_or(0) > max_body_) {
    Refuse(413, "body: " + std::to_string(*length) + " bytes; at most " +
                    std::to_string(max_body_) + " are taken here");
    return false;
  }
  if (length != 0u && parser_->expects_continue()) {
    output_ += "HTTP/1.1 100 Continue\r\n\r\n";
    Flush();
    if (phase_ == Phase::kClosed) return false;
  }
  window_bytes_ = 0;
  deadline_ = Now() + kBodyWindow;
  return true;
}

bool Session::ClaimBody() {
  const std::string& body = parser_->request().body;
  if (body.size() > max_body_) {
    Refuse(413, "body: at most " + std::to_string(max_body_) + " bytes are taken here");
    return false;
  }
  if (!body.empty() && !body_claim_.Resize(body.capacity())) {
    Refuse(429, "too many large requests and answers are on their way; try again later");
    return false;
  }
  return true;
}

void Session::Dispatch() {
  phase_ = Phase::kHandling;
  HttpRequest request = std::move(parser_->request());
  parser_.reset();
  std::shared_ptr<void> memory;
  if (!request.body.empty()) {
    // The budget is the host's.
    memory = std::make_shared<std::pair<std::shared_ptr<SessionHost>, BudgetClaim>>(
        host_, std::exchange(body_claim_, BudgetClaim(host_->memory)));
  }
  host_->handler->Handle(std::move(request), std::move(memory),
                         std::make_shared<Exchange>(shared_from_this(), ++request_id_));
}

// Nothing that follows on this connection can be understood, or is wanted.
void Session::Refuse(int status, std::string_view message) {
  if (answer_ == nullptr) {
    answer_ = std::make_unique<Answer>();
    answer_->began = Now();
    // Of no request that could be read to its end.
    answer_->method = "-";
  }
  close_after_ = true;
  phase_ = Phase::kHandling;
  SendWhole(host_->handler->Refuse(status, message));
}

void Session::Tick(TimePoint now) {
  const HttpLimits& limits = host_->limits;
  if (awaiting_writable_ && now - progress_ > limits.send_timeout) return Close();
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kLingering:
      if (now > deadline_) Close();
      return;
    case Phase::kHeader:
      if (now > deadline_) Refuse(408, "the request's header took too long");
      return;
    case Phase::kBody:
      if (now <= deadline_) return;
      if (window_bytes_ < limits.min_body_rate * (kBodyWindow / std::chrono::seconds(1))) {
        return Refuse(408, "the request's body came too slowly");
      }
      window_bytes_ = 0;
      deadline_ = now + kBodyWindow;
      return;
    case Phase::kHandling:
      if (!awaiting_input_ && !input_ended_ && !answer_->finished && input_.empty() &&
          now - answer_->began > std::chrono::seconds(1)) {
        AwaitInput();
      }
      if (answer_->finished || awaiting_writable_ || now - progress_ < limits.heartbeat) return;
      if (answer_->late && !answer_->late_sent && now - answer_->began >= limits.heartbeat) {
        answer_->late_sent = true;
        BeginStream(*answer_->late);
      }
      if (phase_ != Phase::kHandling || awaiting_writable_) return;
      if (answer_->streaming && !answer_->heartbeat.empty()) {
        AppendPiece(answer_->heartbeat);
        progress_ = now;
        Flush();
      }
      return;
    case Phase::kClosed:
      return;
  }
}

void Session::Drain() {
  close_after_ = true;
  const bool endless = answer_ != nullptr && answer_->streaming && !answer_->late_sent;
  if (phase_ == Phase::kHandling && !endless) return;
  Close();
}

void Session::Linger() {
  phase_ = Phase::kLingering;
  deadline_ = Now() + kLinger;
  boost::system::error_code ignored;
  socket_.shutdown(socket_.shutdown_send, ignored);
  AwaitInput();
}

void Session::Close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  phase_ = Phase::kClosed;
  closed_ = true;
  EndRequest();
  parser_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
  host_->OnClosed(*this);
}

}  // namespace nanogrid
