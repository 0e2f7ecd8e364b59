#include "fleet/backlog_gate.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/errors.h"

namespace nanogrid {
namespace {

constexpr Duration kCountEvery = std::chrono::seconds(1);
constexpr Duration kCountTimeout = std::chrono::seconds(2);

}  // namespace

class BacklogGate::Counter {
 public:
  Counter(uint64_t max, const Clock& clock) : max_(max), clock_(clock) {}

  // A place for one more job. It stays taken until the jobs are counted again.
  Status Take(Controller& controller) {
    if (max_ == 0) return absl::OkStatus();
    RefreshIfOld(controller);
    const std::lock_guard lock(mutex_);
    if (pending_ + accepted_ >= max_) {
      ++refused_;
      return MakeError(absl::StatusCode::kResourceExhausted,
                       "{} jobs wait already, max_backlog is {}; try again later",
                       pending_ + accepted_, max_);
    }
    ++accepted_;
    return absl::OkStatus();
  }
  // It was not used.
  void GiveBack() {
    const std::lock_guard lock(mutex_);
    if (accepted_ > 0) --accepted_;
  }
  uint64_t refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  // Who finds the number old counts; the others go on with the old one meanwhile.
  void RefreshIfOld(Controller& controller) {
    uint64_t accepted_before = 0;
    {
      const std::lock_guard lock(mutex_);
      const TimePoint now = clock_.Now();
      if (counting_ || (counted_once_ && now - counted_ < kCountEvery)) return;
      counting_ = true;
      counted_ = now;
      accepted_before = accepted_;
    }
    const auto counts = controller.CountJobs(Context::WithTimeout(kCountTimeout));
    const std::lock_guard lock(mutex_);
    counting_ = false;
    counted_once_ = true;
    if (!counts.ok()) return;
    constexpr auto kPending = static_cast<size_t>(JobState::kPending);
    pending_ = counts->size() > kPending ? (*counts)[kPending] : 0;
    // What was accepted while the store counted may be in its number or not: counted twice at most.
    accepted_ -= std::min(accepted_, accepted_before);
  }

  const uint64_t max_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  bool counting_ = false;
  bool counted_once_ = false;
  TimePoint counted_{};
  uint64_t pending_ = 0;
  uint64_t accepted_ = 0;  // since
  uint64_t refused_ = 0;
};

BacklogGate::BacklogGate(std::unique_ptr<Controller> controller, uint64_t max_backlog,
                         const Clock& clock)
    : counter_(std::make_unique<Counter>(max_backlog, clock)), controller_(std::move(controller)) {}

BacklogGate::~BacklogGate() = default;

uint64_t BacklogGate::refused() const { return counter_->refused(); }

Result<Job> BacklogGate::Submit(const Context& context, const SubmitRequest& request) {
  NANOGRID_RETURN_IF_ERROR(counter_->Take(*controller_));
  Result<Job> job = controller_->Submit(context, request);
  if (!job.ok()) counter_->GiveBack();
  return job;
}

Result<Job> BacklogGate::Retry(const Context& context, std::string_view id) {
  NANOGRID_RETURN_IF_ERROR(counter_->Take(*controller_));
  Result<Job> job = controller_->Retry(context, id);
  if (!job.ok()) counter_->GiveBack();
  return job;
}

Result<Job> BacklogGate::GetJob(const Context& context, std::string_view id) {
  return controller_->GetJob(context, id);
}
Result<JobPage> BacklogGate::ListJobs(const Context& context, const JobFilter& filter,
                                      std::string_view cursor, size_t limit) {
  return controller_->ListJobs(context, filter, cursor, limit);
}
Result<Job> BacklogGate::Await(const Context& context, std::string_view id) {
  return controller_->Await(context, id);
}
Result<Job> BacklogGate::Cancel(const Context& context, std::string_view id) {
  return controller_->Cancel(context, id);
}
Status BacklogGate::ReadResult(const Context& context, std::string_view id, Sink& sink) {
  return controller_->ReadResult(context, id, sink);
}
Result<ObjectPage> BacklogGate::ListFiles(const Context& context, std::string_view id,
                                          std::string_view cursor, size_t limit) {
  return controller_->ListFiles(context, id, cursor, limit);
}
Status BacklogGate::ReadFile(const Context& context, std::string_view id, std::string_view path,
                             Sink& sink) {
  return controller_->ReadFile(context, id, path, sink);
}
Result<LogChunk> BacklogGate::ReadLog(const Context& context, std::string_view id, uint64_t offset,
                                      size_t max_bytes) {
  return controller_->ReadLog(context, id, offset, max_bytes);
}
Result<std::vector<JobEvent>> BacklogGate::Events(const Context& context, std::string_view job_id,
                                                  std::string_view cursor, size_t limit) {
  return controller_->Events(context, job_id, cursor, limit);
}
Result<std::string> BacklogGate::EventsEnd(const Context& context) {
  return controller_->EventsEnd(context);
}
std::unique_ptr<Controller::Subscription> BacklogGate::Subscribe(std::string_view job_id,
                                                                 EventCallback callback) {
  return controller_->Subscribe(job_id, std::move(callback));
}
Engine& BacklogGate::engine() { return controller_->engine(); }
Result<QueueDepth> BacklogGate::Depth(const Context& context) {
  return controller_->Depth(context);
}
Result<std::vector<uint64_t>> BacklogGate::CountJobs(const Context& context) {
  return controller_->CountJobs(context);
}

}  // namespace nanogrid
