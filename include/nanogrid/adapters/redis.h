// "redis://host[:6379][/database][?prefix=nanogrid]", "rediss://…" (TLS): a queue on streams and a
// job store, shared by any number of machines. docs/adapters.md says what they promise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/clock.h"
#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"
#include "nanogrid/registry.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct RedisOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 6379;
  uint32_t database = 0;
  std::string prefix = "nanogrid";  // of all keys and channels: 1..64 letters, digits, "_-.:/"

  // Of an ACL user; a password without a name is the default user's.
  std::string username{};
  std::string password{};
  bool tls = false;
  std::string ca_file{};  // PEM of whom to trust; empty: the system's store

  // How long to connect, to wait for an answer, and to go on trying what may be tried again; 100 ms
  // to 1 min.
  Duration timeout = std::chrono::seconds(5);
  // A write is done when so many replicas have it; 0..8. Unavailable if they do not within
  // `timeout` (the primary has it then).
  uint32_t wait = 0;
  // Events that are kept for who follows all jobs: about the last so many.
  uint64_t max_events = 100'000;
  // A job's record is gone by itself so long after it was due to be removed: time for a sweeper to
  // remove its objects first.
  Duration expiry_grace = std::chrono::hours(1);
  const Clock* clock = &Clock::System();  // of job times; outlives what is made
};

// Connect, and look: Redis 7 or later or Valkey, neither a cluster nor a sentinel nor a replica.
// Unavailable: not reached. PermissionDenied, FailedPrecondition, InvalidArgument say what to do.
Result<std::unique_ptr<Queue>> OpenRedisQueue(const RedisOptions& options);
Result<std::unique_ptr<JobStore>> OpenRedisJobStore(const RedisOptions& options);

// "redis://host[:port][/database][?prefix=P&wait=N&timeout=5s&ca=FILE&max_events=N]"; user and
// password from NANOGRID_REDIS_USERNAME and NANOGRID_REDIS_PASSWORD.
Result<RedisOptions> ParseRedisUri(const Uri& uri);
// Adds redis: and rediss:.
Status AddRedis(Registry& registry);

// What is wrong with a server for who must not lose jobs.
struct RedisReport {
  bool reachable = false;
  std::string detail{};                 // "Redis 7.0.15 at 10.0.0.1:6379", or why not
  std::vector<std::string> warnings{};  // each with its fix
};
RedisReport CheckRedis(const RedisOptions& options);

}  // namespace nanogrid
