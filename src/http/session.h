// One connection: requests in, one after the other, answers out in the same order.
//
// Everything here runs on the server's I/O thread. While a connection waits, for its next request
// or for an answer, it holds no buffer: input is read into one that all connections share.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "http/budget.h"
#include "http/handler.h"
#include "http/request_parser.h"
#include "http/response_writer.h"
#include "nanogrid/adapters/http.h"

namespace nanogrid {

class Session;

// What sessions share.
struct SessionHost {
  SessionHost(HttpHandler& request_handler, const HttpLimits& http_limits)
      : handler(&request_handler), limits(http_limits), memory(http_limits.max_memory) {}
  virtual ~SessionHost() = default;
  virtual void OnClosed(Session& session) = 0;

  boost::asio::io_context io{1};
  HttpHandler* const handler;
  const HttpLimits limits;
  Budget memory;  // bodies and answers
  std::array<char, 64 << 10> scratch{};
  bool stopping = false;
};

class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<SessionHost> host, boost::asio::ip::tcp::socket socket);
  ~Session();

  void Start();
  // Deadlines and heartbeats; several times a second.
  void Tick(TimePoint now);
  // Ends at once what could last for ever, the rest after its answer.
  void Drain();
  void Close();
  // Thread-safe.
  bool closed() const { return closed_.load(std::memory_order_relaxed); }

  size_t index = 0;  // the host's: where it is in its list

 private:
  friend class Exchange;

  enum class Phase {
    kIdle,       // between requests
    kHeader,     // a request has begun
    kBody,       // its header is accepted
    kHandling,   // somebody works on it
    kLingering,  // the last answer is out; what still comes in is thrown away
    kClosed,
  };
  struct Answer;

  void AwaitInput();
  void OnReadable();
  void OnReadableWhileHandling();
  void Consume(std::string_view bytes);
  // What became of the parser's progress, with bytes left over; true: go on with them.
  bool OnParsed(std::string_view rest);
  bool OnHeader(std::string_view rest);
  bool ClaimBody();
  void Dispatch();
  void Refuse(int status, std::string_view message);
  void SendWhole(HttpResponse response);

  // From the responder of request `id`.
  void OnSend(uint64_t id, HttpResponse response);
  void OnBegin(uint64_t id, const HttpResponse& head, std::string heartbeat);
  void OnWrite(uint64_t id, std::string_view bytes, HttpResponder::Callback sent);
  void OnStreamEnd(uint64_t id);
  void OnLateHead(uint64_t id, HttpResponse head, std::string heartbeat);
  void OnEndCallback(uint64_t id, HttpResponder::Callback ended);
  void OnAbandoned(uint64_t id);

  bool IsCurrent(uint64_t id) const { return phase_ == Phase::kHandling && id == request_id_; }
  void BeginStream(const HttpResponse& head);
  void AppendPiece(std::string_view piece);
  void Flush();
  bool FlushFile();
  void AwaitWritable();
  void Complete();
  void EndRequest();
  void Linger();

  const std::shared_ptr<SessionHost> host_;
  boost::asio::ip::tcp::socket socket_;
  Phase phase_ = Phase::kIdle;
  std::atomic<bool> closed_ = false;
  bool awaiting_input_ = false;
  bool awaiting_writable_ = false;
  bool input_ended_ = false;
  bool close_after_ = false;
  TimePoint deadline_{};       // of idle, header, body window, lingering
  uint64_t window_bytes_ = 0;  // of the body, in this window
  std::string input_{};        // received and not parsed
  std::unique_ptr<RequestParser> parser_{};
  uint64_t max_body_ = 0;
  BudgetClaim body_claim_{};
  uint64_t request_id_ = 0;
  std::unique_ptr<Answer> answer_{};  // while a request is worked on
  std::string output_{};
  size_t output_sent_ = 0;
  BudgetClaim output_claim_{};
  TimePoint progress_{};  // of the output
};

}  // namespace nanogrid
