#include "aws/credentials.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace nanogrid::aws {
namespace {

constexpr Duration kEarly = std::chrono::minutes(5);
// After a failed fetch the old credentials do for so long before the next one.
constexpr Duration kPause = std::chrono::seconds(10);

class CachedCredentials final : public CredentialsSource {
 public:
  CachedCredentials(FetchCredentials fetch, const Clock& clock)
      : fetch_(std::move(fetch)), clock_(clock) {}

  Result<Credentials> Get(const Context& context) override {
    std::unique_lock lock(mutex_);
    while (true) {
      if (Status status = context.Check(std::chrono::steady_clock::now()); !status.ok()) {
        return status;
      }
      const SystemTime now = clock_.WallNow();
      const bool valid = current_ && now < current_->expires;
      if (valid && (fetching_ || now < renew_)) return *current_;
      if (!fetching_) break;
      const auto done = [this] { return !fetching_; };
      if (context.deadline == TimePoint::max()) {
        done_.wait(lock, context.stop, done);
      } else {
        done_.wait_until(lock, context.stop, context.deadline, done);
      }
    }
    fetching_ = true;
    lock.unlock();
    Result<Credentials> fetched = fetch_(context);
    lock.lock();
    fetching_ = false;
    done_.notify_all();
    return Keep(std::move(fetched));
  }

  void Reject(const Credentials& credentials) override {
    const std::lock_guard lock(mutex_);
    if (current_ == credentials) current_.reset();
  }

 private:
  // With the mutex held.
  Result<Credentials> Keep(Result<Credentials> fetched) {
    const SystemTime now = clock_.WallNow();
    if (fetched.ok()) {
      current_ = *fetched;
      renew_ = fetched->expires;
      if (renew_ != SystemTime::max()) {
        // Short-lived ones are not fetched anew for every call.
        const Duration left = std::max(Duration(renew_ - now), Duration(0));
        renew_ -= std::chrono::ceil<std::chrono::milliseconds>(std::min(kEarly, left / 4));
      }
      return fetched;
    }
    if (!current_ || now >= current_->expires) return fetched;
    renew_ = now + std::chrono::ceil<std::chrono::milliseconds>(kPause);
    return *current_;
  }

  const FetchCredentials fetch_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any done_;
  bool fetching_ = false;
  std::optional<Credentials> current_{};
  SystemTime renew_{};
};

class FixedCredentials final : public CredentialsSource {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<Credentials> Get(const Context& context) override {
    if (Status status = context.Check(std::chrono::steady_clock::now()); !status.ok()) {
      return status;
    }
    return credentials_;
  }

 private:
  const Credentials credentials_;
};

}  // namespace

std::unique_ptr<CredentialsSource> MakeCachedCredentials(FetchCredentials fetch,
                                                         const Clock& clock) {
  return std::make_unique<CachedCredentials>(std::move(fetch), clock);
}

std::unique_ptr<CredentialsSource> MakeFixedCredentials(Credentials credentials) {
  return std::make_unique<FixedCredentials>(std::move(credentials));
}

}  // namespace nanogrid::aws
