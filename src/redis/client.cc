#include "redis/client.h"

#include <algorithm>

#include "core/backoff.h"
#include "core/errors.h"
#include "redis/error_reply.h"

namespace nanogrid::redis {
namespace {

constexpr size_t kMaxIdle = 32;
constexpr Duration kFresh = std::chrono::seconds(1);
constexpr BackoffOptions kBackoff = {.base = std::chrono::milliseconds(20),
                                     .cap = std::chrono::milliseconds(500)};

TimePoint Now() { return std::chrono::steady_clock::now(); }

bool ContextEnded(const Status& status) {
  return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

Result<std::unique_ptr<Client>> Client::Open(const RedisOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(Server server, Server::Make(options));
  std::unique_ptr<Client> client(new Client(std::move(server)));
  NANOGRID_ASSIGN_OR_RETURN(auto connection,
                            client->Take(Context::WithTimeout(options.timeout), Repeat::kNever));
  client->GiveBack(std::move(connection));
  return client;
}

Result<std::vector<Reply>> Client::Call(const Context& context, const Request& request,
                                        Repeat repeat) {
  const TimePoint patience = Now() + options().timeout;
  Backoff backoff(kBackoff);
  while (true) {
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    Attempt attempt = Try(context, request, repeat);
    const Status& status = attempt.replies.status();
    if (status.ok() || !absl::IsUnavailable(status)) return std::move(attempt.replies);
    if (attempt.unknown && repeat == Repeat::kNever) return status;
    CloseIdle();  // they lead to the same server
    if (Now() >= patience) return status;
    if (!backoff.WaitNext(context).ok()) return context.Check(Now());
  }
}

Result<std::vector<Reply>> Client::Write(const Context& context, Request request, Repeat repeat) {
  const uint32_t replicas = options().wait;
  if (replicas == 0) return Call(context, request, repeat);
  request.Command("WAIT", replicas, options().timeout / std::chrono::milliseconds(2));
  NANOGRID_ASSIGN_OR_RETURN(std::vector<Reply> replies, Call(context, request, repeat));
  const int64_t got = replies.back().Number();
  replies.pop_back();
  if (got >= replicas) return replies;
  return Unavailable("server {}: only {} of {} replicas (wait) confirmed a write in time",
                     server_.name(), got, replicas);
}

Result<Reply> Client::Run(const Context& context, const Script& script,
                          std::span<const std::string_view> arguments, Repeat repeat) {
  const auto request = [&](std::string_view command, std::string_view name) {
    Request made;
    made.Begin(arguments.size() + 4);
    made.Word(command);
    made.Word(name);
    made.Word(0);
    made.Word(options().prefix);
    for (const std::string_view argument : arguments) made.Word(argument);
    return made;
  };
  auto replies = Write(context, request("EVALSHA", script.digest), repeat);
  if (absl::IsNotFound(replies.status())) {  // not there (any more): bring it along
    replies = Write(context, request("EVAL", script.text), repeat);
  }
  if (!replies.ok()) return replies.status();
  return std::move(replies->front());
}

Result<Reply> Client::Block(const Context& context, const Request& request, Duration block) {
  const TimePoint patience = Now() + options().timeout;
  Backoff backoff(kBackoff);
  while (true) {
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    Result<Reply> reply = TryToBlock(context, request, block);
    if (reply.ok() || !absl::IsUnavailable(reply.status())) return reply;
    CloseIdle();
    if (Now() >= patience) return reply;
    if (!backoff.WaitNext(context).ok()) return context.Check(Now());
  }
}

Client::Attempt Client::Try(const Context& context, const Request& request, Repeat repeat) {
  Result<std::unique_ptr<Connection>> connection = Take(context, repeat);
  if (!connection.ok()) return {connection.status()};
  const uint64_t before = (*connection)->sent();
  if (Status sent = (*connection)->Send(context, request); !sent.ok()) {
    return {sent, (*connection)->sent() != before};
  }
  std::vector<Reply> replies;
  while (replies.size() < request.commands()) {
    Result<Reply> reply = (*connection)->Receive(context, options().timeout);
    if (!reply.ok()) return {reply.status(), true};
    replies.push_back(*std::move(reply));
  }
  Status error = FirstError(replies);
  // One that has become a replica is left; whoever is the primary now answers at its address.
  if (!absl::IsUnavailable(error)) GiveBack(*std::move(connection));
  if (!error.ok()) return {error};
  return {std::move(replies)};
}

Result<Reply> Client::TryToBlock(const Context& context, const Request& request, Duration block) {
  NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Take(context, Repeat::kSafe));
  NANOGRID_RETURN_IF_ERROR(connection->Send(context, request));
  const Duration silence = block + options().timeout;
  const Context stoppable = Context::WithStop(context.stop);
  Result<Reply> reply = connection->Receive(stoppable, silence);
  if (!reply.ok() && ContextEnded(reply.status())) {
    Unblock(connection->id());
    reply = connection->Receive(Context{}, silence);
  }
  if (!reply.ok()) return reply;
  if (reply->is_error()) {
    Status error = ErrorOf(reply->text);
    if (!absl::IsUnavailable(error)) GiveBack(std::move(connection));
    return error;
  }
  GiveBack(std::move(connection));
  return reply;
}

// If that fails (an ACL may forbid it), the command ends by itself.
void Client::Unblock(int64_t id) {
  Try(Context::WithTimeout(options().timeout), Request().Command("CLIENT", "UNBLOCK", id),
      Repeat::kSafe)
      .replies.IgnoreError();
}

// Looking whether a connection still stands costs a system call; what may be repeated finds out.
Result<std::unique_ptr<Connection>> Client::Take(const Context& context, Repeat repeat) {
  while (true) {
    Idle idle;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      idle = std::move(idle_.back());
      idle_.pop_back();
    }
    const bool fresh = repeat == Repeat::kSafe && Now() - idle.since < kFresh;
    if (fresh || !idle.connection->Stale()) return std::move(idle.connection);
  }
  return Connection::Open(context, server_);
}

void Client::GiveBack(std::unique_ptr<Connection> connection) {
  const TimePoint now = Now();
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back({std::move(connection), now});
}

void Client::CloseIdle() {
  std::vector<Idle> closing;
  const std::lock_guard lock(mutex_);
  closing.swap(idle_);
}

}  // namespace nanogrid::redis
