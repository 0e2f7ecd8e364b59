// One connection to a server, ready to be asked.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "http/client_socket.h"
#include "nanogrid/adapters/redis.h"
#include "redis/resp.h"

namespace nanogrid {
class TlsContext;
}

namespace nanogrid::redis {

// Whom to connect to, and as whom.
struct Server {
  // InvalidArgument names the option.
  static Result<Server> Make(const RedisOptions& options);

  std::string name() const;  // "host:port", for messages

  RedisOptions options{};
  std::shared_ptr<const TlsContext> tls{};  // null: plain
};

// For one thread at a time. After an error of Send or Receive other than the context's end it is of
// no use any more.
class Connection {
 public:
  // Connects, authenticates, selects the database. FailedPrecondition: the server is a cluster or a
  // sentinel, or too old. Unavailable: not reached, or a replica.
  static Result<std::unique_ptr<Connection>> Open(const Context& context, const Server& server);

  Status Send(const Context& context, const Request& request);
  // The next reply, also an error; Unavailable after `silence` without a byte.
  Result<Reply> Receive(const Context& context, Duration silence);
  // Bytes that were sent, ever.
  uint64_t sent() const { return socket_.sent(); }
  // Whether it was closed, or something came, without being asked for.
  bool Stale() { return socket_.Stale(); }

  int64_t id() const { return id_; }                       // the server's number for it
  const std::string& version() const { return version_; }  // "7.0.15"

 private:
  Connection(const Server& server, ClientSocket socket)
      : name_(server.name()), socket_(std::move(socket)) {}
  Status Greet(const Context& context, const Server& server);
  Status ReadGreeting(const Reply& greeting);

  const std::string name_;
  ClientSocket socket_;
  ReplyReader reader_;
  std::array<char, 32 << 10> buffer_;
  int64_t id_ = 0;
  std::string version_{};
};

}  // namespace nanogrid::redis
