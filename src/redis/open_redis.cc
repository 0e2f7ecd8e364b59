#include <charconv>
#include <cstdlib>

#include "core/errors.h"
#include "nanogrid/adapters/redis.h"
#include "nanogrid/settings.h"
#include "redis/stores.h"

namespace nanogrid {
namespace {

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

template <typename Number>
Status ParseNumber(std::string_view field, const std::string& text, Number& number) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error == std::errc() && end == last && !text.empty()) return absl::OkStatus();
  return InvalidArgument("{} '{}': must be a number", field, text.substr(0, 64));
}

// "", "/" or "/3".
Status ParseDatabase(const std::string& path, RedisOptions& options) {
  if (path.empty() || path == "/") return absl::OkStatus();
  return ParseNumber("database", path.substr(1), options.database);
}

}  // namespace

Result<RedisOptions> ParseRedisUri(const Uri& uri) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({"prefix", "wait", "timeout", "ca", "max_events"}));
  if (uri.host.empty()) {
    return InvalidArgument("'{}': must be {}://HOST[:PORT][/DATABASE]", uri.ToString(), uri.scheme);
  }
  RedisOptions options;
  options.host = uri.host;
  if (uri.port != 0) options.port = uri.port;
  options.tls = uri.scheme == "rediss";
  options.username = Environment("NANOGRID_REDIS_USERNAME");
  options.password = Environment("NANOGRID_REDIS_PASSWORD");
  NANOGRID_RETURN_IF_ERROR(ParseDatabase(uri.path, options));
  for (const auto& [key, value] : uri.query) {
    if (key == "prefix") options.prefix = value;
    if (key == "ca") options.ca_file = value;
    if (key == "wait") NANOGRID_RETURN_IF_ERROR(ParseNumber(key, value, options.wait));
    if (key == "max_events") NANOGRID_RETURN_IF_ERROR(ParseNumber(key, value, options.max_events));
    if (key == "timeout") {
      NANOGRID_ASSIGN_OR_RETURN(options.timeout, ParseDuration(key, value));
    }
  }
  return options;
}

Result<std::unique_ptr<Queue>> OpenRedisQueue(const RedisOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(auto client, redis::Client::Open(options));
  return redis::MakeQueue(std::move(client));
}

Result<std::unique_ptr<JobStore>> OpenRedisJobStore(const RedisOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(auto client, redis::Client::Open(options));
  return redis::MakeJobStore(std::move(client));
}

Status AddRedis(Registry& registry) {
  for (const char* const scheme : {"redis", "rediss"}) {
    NANOGRID_RETURN_IF_ERROR(
        registry.queues.Add(scheme, [](const Uri& uri) -> Result<std::unique_ptr<Queue>> {
          NANOGRID_ASSIGN_OR_RETURN(const RedisOptions options, ParseRedisUri(uri));
          return OpenRedisQueue(options);
        }));
    NANOGRID_RETURN_IF_ERROR(
        registry.job_stores.Add(scheme, [](const Uri& uri) -> Result<std::unique_ptr<JobStore>> {
          NANOGRID_ASSIGN_OR_RETURN(const RedisOptions options, ParseRedisUri(uri));
          return OpenRedisJobStore(options);
        }));
  }
  return absl::OkStatus();
}

}  // namespace nanogrid
