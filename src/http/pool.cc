#include "http/pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/errors.h"
#include "http/tls.h"

namespace nanogrid {
namespace {

TimePoint Now() { return std::chrono::steady_clock::now(); }

}  // namespace

// A client that goes back whatever happens.
class HttpPool::Borrowed {
 public:
  Borrowed(HttpPool& pool, std::unique_ptr<HttpClient> client)
      : pool_(pool), client_(std::move(client)), opened_(client_->connections()) {}
  ~Borrowed() {
    const uint64_t opened = client_->connections() - opened_;
    pool_.CheckIn(std::move(client_), opened);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  HttpClient* operator->() const { return client_.get(); }

 private:
  HttpPool& pool_;
  std::unique_ptr<HttpClient> client_;
  const uint64_t opened_;
};

Result<std::unique_ptr<HttpPool>> HttpPool::Make(HttpPoolOptions options) {
  if (options.max_connections == 0) {
    return InvalidArgument("max_connections: 0; must be at least 1");
  }
  HttpClientOptions& client = options.client;
  if (client.server.starts_with("https://") && client.tls == nullptr) {
    NANOGRID_ASSIGN_OR_RETURN(client.tls, TlsContext::Make(client.ca_file));
  }
  NANOGRID_RETURN_IF_ERROR(MakeHttpClient(client).status());  // what is wrong is said now
  return std::unique_ptr<HttpPool>(new HttpPool(std::move(options)));
}

HttpPool::~HttpPool() = default;

Result<HttpResponse> HttpPool::Send(const Context& context, const HttpRequest& request) {
  NANOGRID_ASSIGN_OR_RETURN(auto client, CheckOut(context));
  const Borrowed borrowed(*this, std::move(client));
  return borrowed->Send(context, request);
}

Result<HttpResponse> HttpPool::Stream(const Context& context, const HttpRequest& request,
                                      const HttpClient::OnBody& on_body) {
  NANOGRID_ASSIGN_OR_RETURN(auto client, CheckOut(context));
  const Borrowed borrowed(*this, std::move(client));
  return borrowed->Stream(context, request, on_body);
}

HttpPoolStats HttpPool::stats() const {
  const std::lock_guard lock(mutex_);
  HttpPoolStats stats = stats_;
  stats.idle = idle_.size();
  return stats;
}

Result<std::unique_ptr<HttpClient>> HttpPool::CheckOut(const Context& context) {
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  std::vector<Idle> old;  // closed after the lock is released
  std::unique_lock lock(mutex_);
  const auto is_free = [this] { return stats_.busy < options_.max_connections; };
  if (context.deadline == TimePoint::max()) {
    free_.wait(lock, context.stop, is_free);
  } else {
    free_.wait_until(lock, context.stop, context.deadline, is_free);
  }
  if (!is_free()) return context.Check(Now());
  ++stats_.busy;
  ++stats_.requests;
  old = TakeOld(Now());
  if (!idle_.empty()) {
    std::unique_ptr<HttpClient> client = std::move(idle_.back().client);
    idle_.pop_back();
    return client;
  }
  lock.unlock();
  return MakeHttpClient(options_.client);  // cannot fail: it did not in Make
}

void HttpPool::CheckIn(std::unique_ptr<HttpClient> client, uint64_t opened) {
  std::vector<Idle> old;
  const TimePoint now = Now();
  const std::lock_guard lock(mutex_);
  --stats_.busy;
  stats_.connections += opened;
  if (client->connected()) idle_.push_back({std::move(client), now});
  old = TakeOld(now);
  free_.notify_one();
}

std::vector<HttpPool::Idle> HttpPool::TakeOld(TimePoint now) {
  const auto fresh = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
    return now - idle.since <= options_.idle_timeout;
  });
  std::vector<Idle> old(std::make_move_iterator(idle_.begin()), std::make_move_iterator(fresh));
  idle_.erase(idle_.begin(), fresh);
  return old;
}

}  // namespace nanogrid
