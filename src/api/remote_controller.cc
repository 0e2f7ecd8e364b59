#include "nanogrid/adapters/remote.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "api/event_parser.h"
#include "api/remote_engine.h"
#include "api/remote_feed.h"
#include "core/errors.h"
#include "nanogrid/records_json.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

// A thread that follows events until it is destroyed.
class RemoteSubscription final : public Controller::Subscription {
 public:
  template <typename Follow>
  explicit RemoteSubscription(Follow follow) : thread_(std::move(follow)) {}
  ~RemoteSubscription() override {
    thread_.request_stop();
    // In its own callback it cannot wait for itself.
    if (thread_.get_id() == std::this_thread::get_id()) thread_.detach();
  }

 private:
  std::jthread thread_;
};

void AddRetry(const RetryChanges& retry, RemoteQuery& query) {
  if (retry.max_attempts) query.emplace_back("max_attempts", std::to_string(*retry.max_attempts));
  if (retry.backoff) query.emplace_back("backoff", FormatDuration(*retry.backoff));
  if (retry.max_backoff) query.emplace_back("max_backoff", FormatDuration(*retry.max_backoff));
  if (retry.max_age) query.emplace_back("max_age", FormatDuration(*retry.max_age));
}

class RemoteController final : public Controller {
 public:
  RemoteController(HttpClientOptions client, const CodeLimits& limits)
      : calls_(std::move(client)), engine_(calls_, limits) {}

  Result<Job> Submit(const Context& context, const SubmitRequest& request) override {
    RemoteQuery query = {{"qualifier", request.qualifier}};
    AddRetry(request.retry, query);
    if (request.delay != Duration::zero()) {
      query.emplace_back("delay", FormatDuration(request.delay));
    }
    HttpRequest post{.method = "POST",
                     .target = RemoteTarget({"functions", request.function, "jobs"}, query),
                     .body = request.event};
    if (!request.tenant.empty()) post.headers.Add("NanoGrid-Tenant", request.tenant);
    if (!request.idempotency_key.empty()) {
      post.headers.Add("Idempotency-Key", request.idempotency_key);
    }
    return JobOf(calls_.Send(context, post));
  }

  Result<Job> GetJob(const Context& context, std::string_view id) override {
    return JobOf(calls_.Send(context, {.target = RemoteTarget({"jobs", id})}));
  }

  Result<JobPage> ListJobs(const Context& context, const JobFilter& filter, std::string_view cursor,
                           size_t limit) override {
    RemoteQuery query = {{"limit", std::to_string(limit)}};
    if (!filter.function.empty()) query.emplace_back("function", filter.function);
    if (filter.state) query.emplace_back("status", ToString(*filter.state));
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response,
                              calls_.Send(context, {.target = RemoteTarget({"jobs"}, query)}));
    JobPage page;
    NANOGRID_ASSIGN_OR_RETURN(page.cursor,
                              ReadRemotePage(response.body, "jobs", [&](std::string_view text) {
                                const Result<Job> job = ParseJob(text);
                                if (job.ok()) page.jobs.push_back(*job);
                                return job.status();
                              }));
    return page;
  }

  Result<Job> Await(const Context& context, std::string_view id) override {
    std::string cursor;
    for (;;) {
      NANOGRID_ASSIGN_OR_RETURN(const std::vector<JobEvent> events,
                                Events(context, id, cursor, 100));
      if (events.empty()) return context.Check(std::chrono::steady_clock::now());
      if (IsTerminal(events.back().state)) return GetJob(context, id);
      cursor = events.back().cursor;
    }
  }

  Result<Job> Cancel(const Context& context, std::string_view id) override {
    return JobOf(calls_.Send(context, {.method = "DELETE", .target = RemoteTarget({"jobs", id})}));
  }
  Result<Job> Retry(const Context& context, std::string_view id) override {
    return JobOf(
        calls_.Send(context, {.method = "POST", .target = RemoteTarget({"jobs", id, "retry"})}));
  }

  Status ReadResult(const Context& context, std::string_view id, Sink& sink) override {
    return calls_.Stream(
        context, {.target = RemoteTarget({"jobs", id, "result"})},
        [&](const HttpResponse&, std::string_view piece) { return sink.Write(piece); });
  }

  Result<ObjectPage> ListFiles(const Context& context, std::string_view id, std::string_view cursor,
                               size_t limit) override {
    RemoteQuery query = {{"limit", std::to_string(limit)}};
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    NANOGRID_ASSIGN_OR_RETURN(
        const HttpResponse response,
        calls_.Send(context, {.target = RemoteTarget({"jobs", id, "files"}, query)}));
    ObjectPage page;
    NANOGRID_ASSIGN_OR_RETURN(
        page.cursor, ReadRemotePage(response.body, "files", [&](std::string_view text) -> Status {
          NANOGRID_ASSIGN_OR_RETURN(const OutputFile file, ParseFile(text));
          page.objects.push_back({.key = file.path, .size = file.size});
          return absl::OkStatus();
        }));
    return page;
  }

  Status ReadFile(const Context& context, std::string_view id, std::string_view path,
                  Sink& sink) override {
    return calls_.Stream(
        context, {.target = RemoteTarget({"jobs", id, "file"}, {{"path", std::string(path)}})},
        [&](const HttpResponse&, std::string_view piece) { return sink.Write(piece); });
  }

  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    NANOGRID_ASSIGN_OR_RETURN(
        HttpResponse response,
        calls_.Send(context, {.target = RemoteTarget({"jobs", id, "logs"},
                                                     {{"offset", std::to_string(offset)},
                                                      {"limit", std::to_string(max_bytes)}})}));
    const uint64_t next = offset + response.body.size();
    return LogChunk{std::move(response.body), next};
  }

  // Whoever asks again where it stopped gets what its stream has brought meanwhile.
  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    std::unique_ptr<RemoteFeed> feed = TakeFeed(job_id, cursor);
    Result<std::vector<JobEvent>> events = feed->Next(context, limit);
    if (events.ok()) KeepFeed(job_id, std::move(feed));
    return events;
  }

  // A stream says in its header where it begins.
  Result<std::string> EventsEnd(const Context& context) override {
    std::string cursor;
    bool seen = false;
    Status status = calls_.Stream(context, {.target = RemoteTarget({"events"})},
                                  [&](const HttpResponse& head, std::string_view) {
                                    cursor = head.headers.Get("NanoGrid-Cursor");
                                    seen = true;
                                    return absl::CancelledError("the header is enough");
                                  });
    if (!status.ok() && !seen) return status;
    return cursor;
  }

  std::unique_ptr<Subscription> Subscribe(std::string_view job_id,
                                          EventCallback callback) override {
    return std::make_unique<RemoteSubscription>(
        [this, job = std::string(job_id), callback = std::move(callback)](std::stop_token stop) {
          const Context context = Context::WithStop(stop);
          Result<std::string> cursor = EventsEnd(context);
          while (!stop.stop_requested()) {
            const Status status =
                FollowEvents(context, job, cursor.ok() ? *cursor : "", [&](const JobEvent& event) {
                  cursor = event.cursor;
                  if (!stop.stop_requested()) callback(event);
                  return absl::OkStatus();
                });
            if (status.ok() && !job.empty()) return;  // the job has ended
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any pause;
            pause.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
          }
        });
  }

  Engine& engine() override { return engine_; }

  Result<QueueDepth> Depth(const Context&) override {
    return absl::UnimplementedError("the depth of its queue is among the server's /metrics");
  }
  Result<std::vector<uint64_t>> CountJobs(const Context&) override {
    return absl::UnimplementedError("job counts are among the server's /metrics");
  }

 private:
  static Result<Job> JobOf(const Result<HttpResponse>& response) {
    if (!response.ok()) return response.status();
    return ParseJob(response->body);
  }

  std::unique_ptr<RemoteFeed> TakeFeed(std::string_view job_id, std::string_view cursor) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = feeds_.find(job_id);
      if (found != feeds_.end() && found->second->cursor() == cursor) {
        return std::move(feeds_.extract(found).mapped());
      }
    }
    return std::make_unique<RemoteFeed>(
        std::string(cursor), [this, job = std::string(job_id), from = std::string(cursor)](
                                 const Context& context, const RemoteFeed::Take& take) {
          return FollowEvents(context, job, from, take);
        });
  }
  void KeepFeed(std::string_view job_id, std::unique_ptr<RemoteFeed> feed) {
    constexpr size_t kMaxFeeds = 16;
    std::unique_ptr<RemoteFeed> other;  // ends without the lock
    const std::lock_guard lock(mutex_);
    if (const auto found = feeds_.find(job_id); found != feeds_.end()) {
      other = std::exchange(found->second, std::move(feed));
    } else if (feeds_.size() < kMaxFeeds) {
      feeds_.emplace(job_id, std::move(feed));
    } else {
      other = std::move(feed);
    }
  }

  Status FollowEvents(const Context& context, std::string_view job_id, std::string_view cursor,
                      const std::function<Status(const JobEvent&)>& take) {
    HttpRequest request{.target = job_id.empty() ? RemoteTarget({"events"}, {{"from", "start"}})
                                                 : RemoteTarget({"jobs", job_id, "events"}),
                        .headers = {{"Accept", "text/event-stream"}}};
    if (!cursor.empty()) request.headers.Add("Last-Event-ID", std::string(cursor));
    EventParser parser;
    return calls_.Stream(context, request, [&](const HttpResponse&, std::string_view piece) {
      return parser.Feed(piece, [&](std::string_view data) -> Status {
        NANOGRID_ASSIGN_OR_RETURN(const JobEvent event, ParseEvent(data));
        return take(event);
      });
    });
  }

  RemoteCalls calls_;
  RemoteEngine engine_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<RemoteFeed>, std::less<>> feeds_;  // by job; "" is all
};

}  // namespace

Result<std::unique_ptr<Controller>> ConnectController(const RemoteOptions& options) {
  HttpClientOptions client{.server = options.server, .token = options.token};
  NANOGRID_RETURN_IF_ERROR(MakeHttpClient(client).status());
  return std::make_unique<RemoteController>(std::move(client), options.code_limits);
}

}  // namespace nanogrid
