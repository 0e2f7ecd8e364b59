#include <charconv>

#include "core/errors.h"
#include "nanogrid/adapters/redis.h"
#include "redis/client.h"

namespace nanogrid {
namespace {

using redis::Reply;

// The value of "name:value" in what INFO says; empty if there is none.
std::string_view InfoField(std::string_view info, std::string_view name) {
  size_t at = 0;
  while (at < info.size()) {
    const size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
      return line.substr(name.size() + 1);
    }
    at = end + 2;
  }
  return {};
}

// What INFO and CONFIG GET say, as far as the user may ask.
struct Facts {
  std::string info{};
  std::string appendfsync{};  // empty: unknown
  std::string save{};

  std::string_view operator[](std::string_view name) const { return InfoField(info, name); }
};

Facts Ask(redis::Client& client) {
  const Context context = Context::WithTimeout(client.options().timeout);
  Facts facts;
  const auto ask = [&](const redis::Request& request) -> std::vector<Reply> {
    auto replies = client.Call(context, request, redis::Repeat::kSafe);
    return replies.ok() ? *std::move(replies) : std::vector<Reply>();
  };
  for (const Reply& reply : ask(redis::Request().Command("INFO"))) facts.info = reply.text;
  for (const Reply& reply : ask(redis::Request().Command("CONFIG", "GET", "appendfsync"))) {
    if (reply.items.size() == 2) facts.appendfsync = reply.items[1].text;
  }
  for (const Reply& reply : ask(redis::Request().Command("CONFIG", "GET", "save"))) {
    if (reply.items.size() == 2) facts.save = reply.items[1].text;
  }
  return facts;
}

void Judge(const Facts& facts, const RedisOptions& options, std::vector<std::string>& warnings) {
  if (facts.info.empty()) {
    warnings.emplace_back(
        "persistence and memory limits could not be seen: allow the user the command INFO");
    return;
  }
  if (facts["aof_enabled"] == "0") {
    warnings.push_back(
        facts.save.empty()
            ? "nothing is on disk: a restart loses every job; set appendonly yes"
            : "only snapshots are on disk: a crash loses the last minutes; set appendonly yes");
  } else if (facts.appendfsync == "no") {
    warnings.emplace_back(
        "appendfsync no: a power failure loses what the kernel has not written; set appendfsync "
        "everysec (at most a second is lost) or always");
  }
  if (facts["aof_last_write_status"] == "err") {
    warnings.emplace_back("the append-only file cannot be written: look at the server's disk");
  }
  if (const auto policy = facts["maxmemory_policy"];
      facts["maxmemory"] != "0" && policy != "noeviction") {
    warnings.push_back(fmt::format(
        "maxmemory-policy {}: jobs are thrown away when memory is short; set noeviction", policy));
  }
  uint32_t replicas = 0;
  const std::string_view connected = facts["connected_slaves"];
  std::from_chars(connected.data(), connected.data() + connected.size(), replicas);
  if (replicas < options.wait) {
    warnings.push_back(fmt::format("wait {}: only {} replicas are connected, so writes fail",
                                   options.wait, replicas));
  } else if (replicas > 0 && options.wait == 0) {
    warnings.emplace_back(
        "replicas are asynchronous: a failover loses the last acknowledged writes; set ?wait=1");
  }
}

}  // namespace

RedisReport CheckRedis(const RedisOptions& options) {
  RedisReport report;
  const auto client = redis::Client::Open(options);
  if (!client.ok()) {
    report.detail = std::string(client.status().message());
    return report;
  }
  report.reachable = true;
  const Facts facts = Ask(**client);
  const auto valkey = facts["valkey_version"];
  report.detail =
      fmt::format("{} {} at {}", valkey.empty() ? "Redis" : "Valkey",
                  valkey.empty() ? facts["redis_version"] : valkey, (*client)->server().name());
  Judge(facts, options, report.warnings);
  return report;
}

}  // namespace nanogrid
