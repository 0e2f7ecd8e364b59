#include <atomic>
#include <optional>

#include "api/answers.h"
#include "api/query.h"
#include "api/streams.h"
#include "core/errors.h"
#include "nanogrid/records_json.h"

namespace nanogrid {
namespace {

// 10,000 of these may wait at once: nothing is kept but what is needed for the answer.
class WaitingCall final : public std::enable_shared_from_this<WaitingCall> {
 public:
  explicit WaitingCall(const StreamParts& parts) : parts_(parts) {}

  void Begin(ApiCall& call) {
    if (Status status = TryBegin(call); !status.ok()) Answer(ErrorAnswer(status));
  }

 private:
  Status TryBegin(ApiCall& call) {
    Query query(call.target);
    NANOGRID_ASSIGN_OR_RETURN(const std::optional<Duration> timeout, query.Time("timeout"));
    NANOGRID_ASSIGN_OR_RETURN(const SubmitRequest submit, parts_.calls.ReadSubmit(call, query));
    NANOGRID_ASSIGN_OR_RETURN(Job job, controller().Submit(parts_.calls.context(), submit));
    call.memory.reset();
    job_id_ = job.id;
    AllowLateHead(job);
    Subscribe();
    // What happened before the subscription.
    if (!IsTerminal(job.state)) {
      NANOGRID_ASSIGN_OR_RETURN(job, controller().GetJob(parts_.calls.context(), job_id_));
    }
    if (IsTerminal(job.state)) {
      Answer(parts_.calls.ResultOf(job));
    } else if (timeout) {
      parts_.pool.PostAfter(*timeout, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->GiveUp();
      });
    }
    return absl::OkStatus();
  }

  void Subscribe() {
    // The request keeps this alive, so that a client that goes away takes its subscription along;
    // not on the I/O thread, where nothing may wait.
    parts_.responder->OnEnd([self = shared_from_this()]() mutable {
      TaskPool& pool = self->parts_.pool;
      pool.Post([kept = std::move(self)] { kept->Unsubscribe(); });
    });
    auto subscription =
        controller().Subscribe(job_id_, [weak = weak_from_this()](const JobEvent& event) {
          const auto self = weak.lock();
          if (!self || !IsTerminal(event.state)) return;
          TaskPool& pool = self->parts_.pool;
          pool.Post([self] { self->Finish(); });
        });
    const std::lock_guard lock(mutex_);
    if (!ended_) subscription_ = std::move(subscription);
  }

  void Unsubscribe() {
    std::unique_ptr<Controller::Subscription> subscription;
    const std::lock_guard lock(mutex_);
    ended_ = true;
    subscription.swap(subscription_);
  }

  // For proxies and clients that hang up on silence. A line break before JSON means nothing; before
  // other bytes it would.
  void AllowLateHead(const Job& job) {
    const auto version = controller().engine().Get(parts_.calls.context(), job.function,
                                                   std::to_string(job.version));
    const bool is_json = version.ok() && version->runtime != "exec";
    HttpResponse head;
    head.headers.Add("Content-Type", is_json ? "application/json" : "application/octet-stream");
    head.headers.Add("NanoGrid-Job-Id", job.id);
    head.headers.Add("Trailer", "NanoGrid-Status, NanoGrid-Error");
    parts_.responder->AllowLateHead(std::move(head), is_json ? "\n" : "");
  }

  void Finish() {
    const Result<Job> job = controller().GetJob(parts_.calls.context(), job_id_);
    Answer(job.ok() ? parts_.calls.ResultOf(*job) : ErrorAnswer(job.status()));
  }
  void GiveUp() {
    const Result<Job> job = controller().GetJob(parts_.calls.context(), job_id_);
    Answer(!job.ok()                ? ErrorAnswer(job.status())
           : IsTerminal(job->state) ? parts_.calls.ResultOf(*job)
                                    : JsonAnswer(JobJson(*job), 202));
  }

  void Answer(HttpResponse response) {
    if (answered_.exchange(true)) return;
    if (!job_id_.empty()) response.headers.Add("NanoGrid-Job-Id", job_id_);
    parts_.responder->Send(std::move(response));
  }

  Controller& controller() { return parts_.calls.controller(); }

  const StreamParts parts_;
  std::string job_id_{};
  std::atomic<bool> answered_ = false;
  std::mutex mutex_{};
  bool ended_ = false;
  std::unique_ptr<Controller::Subscription> subscription_{};
};

}  // namespace

void StartInvocation(const StreamParts& parts, ApiCall call) {
  auto waiting = std::make_shared<WaitingCall>(parts);
  auto kept = std::make_shared<ApiCall>(std::move(call));
  parts.pool.Post([waiting, kept] { waiting->Begin(*kept); });
}

}  // namespace nanogrid
