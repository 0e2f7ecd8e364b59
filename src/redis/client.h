// Asks a server, over connections that are kept, again where that is safe.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/connection.h"
#include "redis/script.h"

namespace nanogrid::redis {

// What may be done when nobody knows whether the server has carried a request out.
enum class Repeat {
  kSafe,  // ask again: twice is as good as once
  kNever  // tell the caller
};

// Thread-safe; each call in progress has a connection of its own.
class Client {
 public:
  // Connects once, so that what is wrong shows now.
  static Result<std::unique_ptr<Client>> Open(const RedisOptions& options);

  // The replies, none of them an error. What fails in a way that passes is tried again for
  // options().timeout; Unavailable if that was not enough.
  Result<std::vector<Reply>> Call(const Context& context, const Request& request, Repeat repeat);
  // As Call, for what changes data: also waits for the replicas that options().wait asks for.
  Result<std::vector<Reply>> Write(const Context& context, Request request, Repeat repeat);
  // As Write, a script.
  Result<Reply> Run(const Context& context, const Script& script,
                    std::span<const std::string_view> arguments, Repeat repeat = Repeat::kSafe);
  // A command that answers nil by itself after `block`, or sooner when stop is requested: what it
  // had got then is answered, not lost.
  Result<Reply> Block(const Context& context, const Request& request, Duration block);

  const Server& server() const { return server_; }
  const RedisOptions& options() const { return server_.options; }
  std::string Key(std::string_view name) const { return options().prefix + std::string(name); }

 private:
  struct Attempt {
    Result<std::vector<Reply>> replies;
    bool unknown = false;  // whether the server has carried it out
  };

  explicit Client(Server server) : server_(std::move(server)) {}
  Attempt Try(const Context& context, const Request& request, Repeat repeat);
  Result<Reply> TryToBlock(const Context& context, const Request& request, Duration block);
  void Unblock(int64_t id);
  Result<std::unique_ptr<Connection>> Take(const Context& context, Repeat repeat);
  void GiveBack(std::unique_ptr<Connection> connection);
  void CloseIdle();

  struct Idle {
    std::unique_ptr<Connection> connection;
    TimePoint since;
  };
  const Server server_;
  std::mutex mutex_;
  std::vector<Idle> idle_;  // last used last
};

}  // namespace nanogrid::redis
