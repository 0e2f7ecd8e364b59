#include "redis/error_reply.h"

#include "core/errors.h"

namespace nanogrid::redis {
namespace {

using Code = absl::StatusCode;

struct Meaning {
  std::string_view code;
  Code status;
  std::string_view advice;
};

constexpr Meaning kMeanings[] = {
    // Nothing happened, and it passes.
    {"LOADING", Code::kUnavailable, "it is starting"},
    {"BUSY", Code::kUnavailable, "a script is running for too long"},
    {"UNKILLABLE", Code::kUnavailable, "a script is running for too long"},
    {"MASTERDOWN", Code::kUnavailable, "it is a replica without its primary"},
    {"READONLY", Code::kUnavailable, "it is a replica: use the primary's address"},
    {"TRYAGAIN", Code::kUnavailable, {}},
    {"CLUSTERDOWN", Code::kUnavailable, {}},
    {"NOREPLICAS", Code::kUnavailable, "min-replicas-to-write is not met"},
    // Whoever asked makes it and asks again.
    {"NOSCRIPT", Code::kNotFound, {}},
    {"NOGROUP", Code::kNotFound, {}},
    {"UNBLOCKED", Code::kNotFound, {}},
    {"BUSYGROUP", Code::kAlreadyExists, {}},
    {"OOM", Code::kResourceExhausted, "raise maxmemory"},
    {"MISCONF", Code::kResourceExhausted, "it cannot write its data to disk"},
    {"ERR max number of clients", Code::kResourceExhausted, "raise maxclients"},
    {"NOAUTH", Code::kPermissionDenied, "set NANOGRID_REDIS_PASSWORD"},
    {"WRONGPASS", Code::kPermissionDenied,
     "check NANOGRID_REDIS_USERNAME and NANOGRID_REDIS_PASSWORD"},
    {"NOPERM", Code::kPermissionDenied, "docs/adapters.md says what the user must be allowed"},
    {"DENIED", Code::kPermissionDenied, "protected mode: set a password or bind an address"},
    {"MOVED", Code::kFailedPrecondition, "Redis Cluster is not supported: use a single primary"},
    {"ASK", Code::kFailedPrecondition, "Redis Cluster is not supported: use a single primary"},
    {"CROSSSLOT", Code::kFailedPrecondition,
     "Redis Cluster is not supported: use a single primary"},
    {"WRONGTYPE", Code::kFailedPrecondition,
     "its keys are somebody else's: choose another ?prefix="},
    {"NOPROTO", Code::kFailedPrecondition, "Redis 7 or Valkey is needed"},
    {"ERR unknown command", Code::kFailedPrecondition, "Redis 7 or Valkey is needed"},
    {"ERR DB index", Code::kInvalidArgument, "it has no such database"},
};

}  // namespace

bool HasCode(std::string_view text, std::string_view code) {
  return text.starts_with(code) && (text.size() == code.size() || text[code.size()] == ' ');
}

Status ErrorOf(std::string_view text) {
  // Names the commands, never their arguments, except for those it does not know.
  text = text.substr(0, 200);
  for (const Meaning& meaning : kMeanings) {
    if (!HasCode(text, meaning.code)) continue;
    if (meaning.advice.empty()) return MakeError(meaning.status, "Redis: {}", text);
    return MakeError(meaning.status, "Redis: {} ({})", text, meaning.advice);
  }
  return Internal("Redis: {}", text);
}

Status FirstError(const std::vector<Reply>& replies) {
  for (const Reply& reply : replies) {
    if (reply.is_error()) return ErrorOf(reply.text);
    if (!reply.is_array()) continue;
    for (const Reply& item : reply.items) {
      if (item.is_error()) return ErrorOf(item.text);
    }
  }
  return absl::OkStatus();
}

}  // namespace nanogrid::redis
