#include "gcp/token_cache.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"

namespace nanogrid::gcp {
namespace {

constexpr Duration kMargin = std::chrono::minutes(5);  // fetched so long before the end
constexpr Duration kInUse = std::chrono::seconds(10);  // a request's way to the server
constexpr Duration kAfterFailure = std::chrono::seconds(10);

}  // namespace

Result<std::string> TokenCache::Get(const Context& context) {
  std::unique_lock lock(mutex_);
  while (true) {
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    const TimePoint now = clock_.Now();
    const bool valid = !token_.empty() && now < expires_;
    if (valid && (now < fetch_at_ || fetching_)) return token_;
    if (!fetching_) break;
    const auto ended = [this] { return !fetching_; };
    if (context.deadline == TimePoint::max()) {
      changed_.wait(lock, context.stop, ended);
    } else {
      changed_.wait_until(lock, context.stop, context.deadline, ended);
    }
  }
  fetching_ = true;
  lock.unlock();
  Result<AccessToken> fetched = fetch_(context);
  lock.lock();
  fetching_ = false;
  changed_.notify_all();
  const TimePoint now = clock_.Now();
  if (!fetched.ok()) {
    if (token_.empty() || now >= expires_) return fetched.status();
    fetch_at_ = now + kAfterFailure;
    return token_;
  }
  token_ = std::move(fetched->token);
  const Duration lifetime = fetched->lifetime;
  expires_ = now + std::max<Duration>(lifetime - kInUse, lifetime / 2);
  fetch_at_ = now + std::max<Duration>(lifetime - kMargin, lifetime / 2);
  return token_;
}

void TokenCache::Reject(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token == token_) token_.clear();
}

}  // namespace nanogrid::gcp
