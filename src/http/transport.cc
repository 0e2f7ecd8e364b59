#include "http/transport.h"

#include <sys/socket.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "core/errors.h"
#include "http/address.h"
#include "http/session.h"

namespace nanogrid {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(250);
// Without descriptors a connection stays in the kernel's queue: no use to ask again at once.
constexpr auto kAcceptPause = std::chrono::milliseconds(200);
constexpr int kBacklog = 4096;

Status ListenError(const Error& error, const std::string& listen) {
  return ErrnoError(error.value(), "listen " + listen);
}

class Host final : public SessionHost, public std::enable_shared_from_this<Host> {
 public:
  Host(HttpHandler& request_handler, const HttpLimits& http_limits)
      : SessionHost(request_handler, http_limits) {}

  Status Listen(const std::string& listen) {
    NANOGRID_ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(listen));
    const tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
    Error error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(kBacklog, error);
    if (error) return ListenError(error, listen);
    port_ = acceptor_.local_endpoint(error).port();
    return error ? ListenError(error, listen) : absl::OkStatus();
  }

  void Run() {
    Accept();
    io.run();
  }

  void OnClosed(Session& session) override {
    std::shared_ptr<Session>& place = sessions_[session.index];
    std::swap(place, sessions_.back());
    place->index = session.index;
    sessions_.pop_back();
    connections_ = sessions_.size();
    if (stopping && sessions_.empty()) {
      const std::lock_guard lock(mutex_);
      idle_.notify_all();
    }
  }

  void Drain() {
    stopping = true;
    Error ignored;
    acceptor_.close(ignored);
    const auto sessions = sessions_;
    for (const auto& session : sessions) session->Drain();
  }
  void CloseAll() {
    const auto sessions = sessions_;
    for (const auto& session : sessions) session->Close();
    timer_.cancel();
    guard_.reset();
  }
  void AwaitIdle(const Context& context) {
    std::unique_lock lock(mutex_);
    const auto idle = [this] { return connections_ == 0; };
    if (context.deadline == TimePoint::max()) {
      idle_.wait(lock, context.stop, idle);
    } else {
      idle_.wait_until(lock, context.stop, context.deadline, idle);
    }
  }

  uint16_t port() const { return port_; }
  TransportStats GetStats() const {
    return {.connections = connections_,
            .accepted = accepted_,
            .rejected = rejected_,
            .memory = memory.used()};
  }

 private:
  void Accept() {
    acceptor_.async_accept([self = shared_from_this()](const Error& error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !self->acceptor_.is_open()) return;
      if (!error) {
        self->Admit(std::move(socket));
        return self->Accept();
      }
      self->accept_timer_.expires_after(kAcceptPause);
      self->accept_timer_.async_wait([self](const Error&) {
        if (self->acceptor_.is_open()) self->Accept();
      });
    });
  }

  void Admit(tcp::socket socket) {
    if (sessions_.size() >= limits.max_connections) {
      ++rejected_;
      static constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
          "Content-Length: 0\r\n\r\n";
      // Best effort: nobody waits for this client.
      (void)::send(socket.native_handle(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    }
    ++accepted_;
    const auto session = std::make_shared<Session>(shared_from_this(), std::move(socket));
    session->index = sessions_.size();
    sessions_.push_back(session);
    connections_ = sessions_.size();
    session->Start();
    if (sessions_.size() == 1) Tick();
  }

  // Runs while there are connections.
  void Tick() {
    if (ticking_ || sessions_.empty()) return;
    ticking_ = true;
    timer_.expires_after(kTick);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
      self->ticking_ = false;
      if (error) return;
      const TimePoint now = std::chrono::steady_clock::now();
      // A session that closes is replaced by the last one, which has had its turn: from behind.
      for (size_t i = self->sessions_.size(); i > 0; --i) {
        if (i > self->sessions_.size()) continue;
        const std::shared_ptr<Session> session = self->sessions_[i - 1];
        session->Tick(now);
      }
      self->Tick();
    });
  }

  asio::executor_work_guard<asio::io_context::executor_type> guard_{io.get_executor()};
  tcp::acceptor acceptor_{io};
  asio::steady_timer accept_timer_{io};
  asio::steady_timer timer_{io};
  bool ticking_ = false;
  uint16_t port_ = 0;
  std::vector<std::shared_ptr<Session>> sessions_{};
  std::atomic<uint64_t> connections_ = 0;
  std::atomic<uint64_t> accepted_ = 0;
  std::atomic<uint64_t> rejected_ = 0;
  std::mutex mutex_{};
  std::condition_variable_any idle_{};
};

class Transport final : public HttpTransport {
 public:
  explicit Transport(std::shared_ptr<Host> host)
      : host_(std::move(host)), thread_([kept = host_] { kept->Run(); }) {}
  ~Transport() override {
    Stop({.deadline = TimePoint{}});
    // What responders sent at the very end, so that nothing keeps the host alive.
    host_->io.restart();
    host_->io.poll();
  }

  uint16_t port() const override { return host_->port(); }
  TransportStats GetStats() const override { return host_->GetStats(); }

  void Stop(const Context& context) override {
    const std::lock_guard lock(stop_mutex_);
    if (!thread_.joinable()) return;
    asio::post(host_->io, [host = host_] { host->Drain(); });
    host_->AwaitIdle(context);
    asio::post(host_->io, [host = host_] { host->CloseAll(); });
    thread_.join();
  }

 private:
  std::mutex stop_mutex_{};
  const std::shared_ptr<Host> host_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpTransport>> StartTransport(const std::string& listen,
                                                      const HttpLimits& limits,
                                                      HttpHandler& handler) {
  auto host = std::make_shared<Host>(handler, limits);
  NANOGRID_RETURN_IF_ERROR(host->Listen(listen));
  return std::unique_ptr<HttpTransport>(std::make_unique<Transport>(std::move(host)));
}

}  // namespace nanogrid
