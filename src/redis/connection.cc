#include "redis/connection.h"

#include <charconv>

#include "core/errors.h"
#include "http/tls.h"
#include "redis/error_reply.h"

namespace nanogrid::redis {
namespace {

constexpr int kLeastVersion = 7;
constexpr char kPrefixCharacters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/";
constexpr size_t kMaxPrefix = 64;
constexpr uint32_t kMaxWait = 8;

Status CheckOptions(const RedisOptions& options) {
  if (options.host.empty()) return InvalidArgument("host '': must name a server");
  if (options.port == 0) return InvalidArgument("port 0: must be 1 to 65535");
  if (options.prefix.empty() || options.prefix.size() > kMaxPrefix ||
      options.prefix.find_first_not_of(kPrefixCharacters) != std::string::npos) {
    return InvalidArgument("prefix '{}': must be 1 to {} letters, digits, or _-.:/",
                           options.prefix.substr(0, 2 * kMaxPrefix), kMaxPrefix);
  }
  if (options.timeout < std::chrono::milliseconds(100) ||
      options.timeout > std::chrono::minutes(1)) {
    return InvalidArgument("timeout of {} ms: must be 100 ms to 1 min",
                           options.timeout / std::chrono::milliseconds(1));
  }
  if (options.wait > kMaxWait) {
    return InvalidArgument("wait {}: must be 0 to {} replicas", options.wait, kMaxWait);
  }
  if (options.max_events < 1000) {
    return InvalidArgument("max_events {}: must be at least 1000", options.max_events);
  }
  if (!options.username.empty() && options.password.empty()) {
    return InvalidArgument("username '{}': needs a password (NANOGRID_REDIS_PASSWORD)",
                           options.username);
  }
  return absl::OkStatus();
}

// HELLO answers names and values in turn.
const Reply* Find(const Reply& map, std::string_view name) {
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    if (map.items[i].text == name) return &map.items[i + 1];
  }
  return nullptr;
}
std::string TextOf(const Reply& map, std::string_view name) {
  const Reply* const found = Find(map, name);
  return found == nullptr ? "" : found->text;
}

// "server X: …", whatever the code.
Status Named(const std::string& name, const Status& status) {
  return MakeError(status.code(), "server {}: {}", name, std::string(status.message()));
}

}  // namespace

Result<Server> Server::Make(const RedisOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckOptions(options));
  Server server{.options = options};
  if (options.tls) {
    NANOGRID_ASSIGN_OR_RETURN(server.tls, TlsContext::Make(options.ca_file));
  } else if (!options.ca_file.empty()) {
    return InvalidArgument("ca '{}': is for rediss: only", options.ca_file);
  }
  return server;
}

std::string Server::name() const {
  const bool ipv6 = options.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(ipv6 ? "[{}]:{}" : "{}:{}"), options.host, options.port);
}

Result<std::unique_ptr<Connection>> Connection::Open(const Context& context, const Server& server) {
  const RedisOptions& options = server.options;
  NANOGRID_ASSIGN_OR_RETURN(
      ClientSocket socket,
      ClientSocket::Connect(context, options.host, std::to_string(options.port), options.timeout));
  if (server.tls != nullptr) {
    NANOGRID_RETURN_IF_ERROR(socket.StartTls(context, *server.tls, options.host, options.timeout));
  }
  std::unique_ptr<Connection> connection(new Connection(server, std::move(socket)));
  if (Status status = connection->Greet(context, server); !status.ok()) {
    return Named(server.name(), status);
  }
  return connection;
}

Status Connection::Greet(const Context& context, const Server& server) {
  const RedisOptions& options = server.options;
  Request request;
  if (options.password.empty()) {
    request.Command("HELLO", "2", "SETNAME", "nanogrid");
  } else {
    request.Command("HELLO", "2", "AUTH", options.username.empty() ? "default" : options.username,
                    options.password, "SETNAME", "nanogrid");
  }
  if (options.database != 0) request.Command("SELECT", options.database);
  NANOGRID_RETURN_IF_ERROR(Send(context, request));
  for (size_t i = 0; i < request.commands(); ++i) {
    NANOGRID_ASSIGN_OR_RETURN(const Reply reply, Receive(context, options.timeout));
    if (reply.is_error()) return ErrorOf(reply.text);
    if (i == 0) NANOGRID_RETURN_IF_ERROR(ReadGreeting(reply));
  }
  return absl::OkStatus();
}

Status Connection::ReadGreeting(const Reply& greeting) {
  version_ = TextOf(greeting, "version");
  if (const Reply* const id = Find(greeting, "id")) id_ = id->integer;
  const std::string mode = TextOf(greeting, "mode");
  if (mode == "cluster") {
    return FailedPrecondition(
        "is a node of a Redis Cluster, which is not supported: use a single primary with replicas "
        "(cluster-enabled no; on ElastiCache, cluster mode disabled)");
  }
  if (mode == "sentinel") {
    return FailedPrecondition(
        "is a Sentinel, which is not supported: use the primary's address, or a name or proxy that "
        "follows it");
  }
  int major = 0;
  std::from_chars(version_.data(), version_.data() + version_.size(), major);
  if (major < kLeastVersion) {
    return FailedPrecondition("has version '{}': Redis 7 or later or Valkey is needed",
                              version_.substr(0, 32));
  }
  if (const std::string role = TextOf(greeting, "role"); role != "master") {
    return Unavailable("is a {}: use the primary's address", role.substr(0, 32));
  }
  return absl::OkStatus();
}

Status Connection::Send(const Context& context, const Request& request) {
  return socket_.Send(context, request.bytes(), std::chrono::seconds(30));
}

Result<Reply> Connection::Receive(const Context& context, Duration silence) {
  while (true) {
    Result<std::optional<Reply>> next = reader_.Next();
    if (!next.ok()) return Named(name_, next.status());
    if (*next) return std::move(**next);
    NANOGRID_ASSIGN_OR_RETURN(const size_t size,
                              socket_.Receive(context, buffer_.data(), buffer_.size(), silence));
    if (size == 0) return Unavailable("server {}: closed the connection", name_);
    reader_.Feed({buffer_.data(), size});
  }
}

}  // namespace nanogrid::redis
