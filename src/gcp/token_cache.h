// Tokens, fetched once for everybody and again before they expire.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "gcp/service_account.h"
#include "nanogrid/clock.h"

namespace nanogrid::gcp {

// Thread-safe.
class TokenCache {
 public:
  using Fetch = std::function<Result<AccessToken>(const Context&)>;

  // `clock` outlives it.
  TokenCache(Fetch fetch, const Clock& clock) : fetch_(std::move(fetch)), clock_(clock) {}

  // One caller fetches; the others wait for it, or go on with the token that is still valid. A
  // fetch that fails is an error only when no token is valid.
  Result<std::string> Get(const Context& context);
  // The server does not take `token`, whatever its lifetime said.
  void Reject(const std::string& token);

 private:
  const Fetch fetch_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string token_{};
  TimePoint fetch_at_{};
  TimePoint expires_{};
  bool fetching_ = false;
};

}  // namespace nanogrid::gcp
