// The worker: a receiver that takes no more than the slots will have begun soon, and the slots.
#include "nanogrid/worker.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/request_id.h"
#include "engine/job_parts.h"
#include "engine/job_pause.h"
#include "engine/worker_job.h"

namespace nanogrid {
namespace {

constexpr uint32_t kMaxSlots = 1000;
constexpr Duration kMinLease = std::chrono::seconds(1);
constexpr Duration kMaxLease = std::chrono::hours(12);
constexpr size_t kMaxName = 256;

std::string DefaultName() {
  char host[128] = "localhost";
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return fmt::format("{}-{}-{}", host, ::getpid(), MakeRequestId().substr(0, 8));
}

// Jobs are received ahead of the slots that will run them if these will be free within so long. Who
// has been busy for longer may stay so.
constexpr Duration kAhead = std::chrono::milliseconds(100);
constexpr uint32_t kMaxAhead = 64;
// Between two questions whether jobs may begin again.
constexpr Duration kMaxRefusedPause = std::chrono::seconds(10);
// What was received ahead and is not begun for so long goes to others.
constexpr Duration kMaxWaiting = std::chrono::seconds(1);

class QueueWorker final : public Worker {
 public:
  QueueWorker(WorkerParts parts, std::string events_end)
      : parts_(std::move(parts)),
        jobs_(parts_, parts_.options.name, std::move(events_end)),
        begun_(parts_.options.slots, TimePoint::max()) {
    slots_.reserve(begun_.size());
    for (TimePoint& begun : begun_) {
      slots_.emplace_back([this, &begun](const std::stop_token& stop) { RunSlot(begun, stop); });
    }
    receiver_ = std::jthread([this](const std::stop_token& stop) { Receive(stop); });
  }
  ~QueueWorker() override { Stop({}); }

  void Stop(const Context& context) override {
    const std::lock_guard once(stop_mutex_);
    receiver_.request_stop();
    if (receiver_.joinable()) receiver_.join();
    GiveBackWaiting(Duration(0));
    if (!WaitUntilIdle(context)) {
      jobs_.StopAll();
      WaitUntilIdle({});
    }
    for (std::jthread& slot : slots_) slot.request_stop();
    slots_.clear();
  }

  WorkerStats GetStats() const override {
    const std::lock_guard lock(mutex_);
    return {.slots = parts_.options.slots, .busy = busy_, .finished = jobs_.finished()};
  }

 private:
  struct Waiting {
    Delivery delivery;
    std::chrono::steady_clock::time_point since;
  };

  void Receive(const std::stop_token& stop) {
    GrowingPause pause;
    while (const size_t room = WaitForRoom(stop)) {
      if (!WaitUntilAgreed(stop)) return;
      Context context = Context::WithStop(stop);
      // What it takes ahead now it may not want later.
      if (!HasIdleSlot()) context.deadline = parts_.clock->Now() + kMaxWaiting / 2;
      auto deliveries = parts_.queue->Receive(
          context, {.max_messages = room, .lease = parts_.options.message_lease});
      if (!deliveries.ok()) {
        parts_.observer->OnError("receive jobs", deliveries.status());
        if (!pause.Wait(stop)) return;
        continue;
      }
      pause = GrowingPause();
      const auto now = std::chrono::steady_clock::now();
      for (Delivery& delivery : *deliveries) {
        jobs_.Hold(delivery);
        const std::lock_guard lock(mutex_);
        waiting_.push_back({std::move(delivery), now});
        changed_.notify_all();
      }
    }
  }

  // After a refusal, until jobs may begin again; at once otherwise. False: stop was requested.
  bool WaitUntilAgreed(const std::stop_token& stop) {
    GrowingPause pause(kMaxRefusedPause);
    while (WasRefused()) {
      GiveBackWaiting(Duration(0));
      if (!pause.Wait(stop)) return false;
      MayBegin(stop);
    }
    return true;
  }

  bool MayBegin(const std::stop_token& stop) {
    if (!parts_.options.may_begin) return true;
    const Status status = parts_.options.may_begin(Context::WithStop(stop));
    if (!status.ok()) parts_.observer->OnError("begin a job", status);
    const std::lock_guard lock(mutex_);
    refused_ = !status.ok();
    return status.ok();
  }

  bool WasRefused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

  // How many to receive next; 0: stop was requested. While jobs are short, several at once and a
  // little ahead: every message by itself costs a call.
  size_t WaitForRoom(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      GiveBackWaiting(kMaxWaiting);
      std::unique_lock lock(mutex_);
      size_t room = 0;
      const auto has_room = [&] {
        const size_t ahead = Ahead();
        const size_t taken = busy_ + waiting_.size();
        const size_t most = parts_.options.slots + ahead;
        room = std::min(most - std::min(most, taken), Queue::kMaxBatch);
        return taken < parts_.options.slots || (room > 0 && room >= ahead / 2);
      };
      if (changed_.wait_for(lock, stop, kMaxWaiting / 2, has_room)) return room;
    }
    return 0;
  }

  // How many jobs the slots will have begun soon, going by the latest ones.
  size_t Ahead() const {
    if (mean_time_ <= Duration(0)) return 0;
    const TimePoint before = std::chrono::steady_clock::now() - kAhead;
    const auto soon = static_cast<size_t>(std::count_if(
        begun_.begin(), begun_.end(), [before](TimePoint begun) { return begun > before; }));
    const auto each = static_cast<size_t>(std::min<Duration::rep>(kAhead / mean_time_, kMaxAhead));
    return std::min<size_t>(each * soon, kMaxAhead);
  }

  void RunSlot(TimePoint& begun, const std::stop_token& stop) {
    while (true) {
      Delivery delivery;
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
        delivery = std::move(waiting_.front().delivery);
        waiting_.pop_front();
        ++busy_;
        begun = std::chrono::steady_clock::now();
      }
      const bool begins = MayBegin(stop);
      const auto start = std::chrono::steady_clock::now();
      begins ? jobs_.Handle(delivery) : jobs_.GiveBack({&delivery, 1});
      const Duration took = std::chrono::steady_clock::now() - start;
      const std::lock_guard lock(mutex_);
      begun = TimePoint::max();
      if (begins) mean_time_ = mean_time_ == Duration(0) ? took : (mean_time_ * 7 + took) / 8;
      --busy_;
      changed_.notify_all();
    }
  }

  // For which no job waits either.
  bool HasIdleSlot() const {
    const std::lock_guard lock(mutex_);
    return busy_ + waiting_.size() < parts_.options.slots;
  }

  void GiveBackWaiting(Duration older_than) {
    std::vector<Delivery> back;
    {
      const std::lock_guard lock(mutex_);
      const auto before = std::chrono::steady_clock::now() - older_than;
      while (!waiting_.empty() && waiting_.front().since <= before) {
        back.push_back(std::move(waiting_.front().delivery));
        waiting_.pop_front();
      }
    }
    jobs_.GiveBack(back);
  }

  // False: the context ended first.
  bool WaitUntilIdle(const Context& context) {
    const auto idle = [this] { return busy_ == 0 && waiting_.empty(); };
    std::unique_lock lock(mutex_);
    if (context.deadline == TimePoint::max()) return changed_.wait(lock, context.stop, idle);
    return changed_.wait_for(lock, context.stop, context.deadline - parts_.clock->Now(), idle);
  }

  const WorkerParts parts_;
  WorkerJobs jobs_;
  std::mutex stop_mutex_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  uint32_t busy_ = 0;
  std::vector<TimePoint> begun_;  // when each slot began its job; max: it has none
  bool refused_ = false;          // by WorkerOptions::may_begin, the last time it was asked
  Duration mean_time_{};          // of the latest jobs; 0: there was none
  std::vector<std::jthread> slots_;
  std::jthread receiver_;
};

// Fills in what was left to it.
Status CompleteOptions(WorkerOptions& options) {
  if (options.name.empty()) options.name = DefaultName();
  if (options.name.size() > kMaxName) {
    return InvalidArgument("WorkerOptions.name: {} bytes, at most {}", options.name.size(),
                           kMaxName);
  }
  if (options.slots == 0) options.slots = std::max(1u, std::thread::hardware_concurrency());
  if (options.slots > kMaxSlots) {
    return InvalidArgument("WorkerOptions.slots: {}, must be 1 to {}", options.slots, kMaxSlots);
  }
  if (options.lease < kMinLease || options.lease > kMaxLease) {
    return InvalidArgument("WorkerOptions.lease: {} ms, must be 1 s to 12 h",
                           std::chrono::floor<std::chrono::milliseconds>(options.lease).count());
  }
  if (options.message_lease == Duration(0)) options.message_lease = options.lease;
  if (options.message_lease < kMinLease || options.message_lease > kMaxLease) {
    return InvalidArgument(
        "WorkerOptions.message_lease: {} ms, must be 1 s to 12 h",
        std::chrono::floor<std::chrono::milliseconds>(options.message_lease).count());
  }
  if (options.max_message_hold <= Duration(0)) {
    return InvalidArgument("WorkerOptions.max_message_hold: must be positive");
  }
  if (options.max_crashes == 0) {
    return InvalidArgument("WorkerOptions.max_crashes: must be 1 or more");
  }
  if (options.max_inline_result > JobStore::kMaxInline) {
    return InvalidArgument("WorkerOptions.max_inline_result: {}, at most {}",
                           options.max_inline_result, JobStore::kMaxInline);
  }
  if (options.retention < Duration(0)) {
    return InvalidArgument("WorkerOptions.retention: must not be negative");
  }
  return absl::OkStatus();
}

}  // namespace

Result<std::unique_ptr<Worker>> MakeWorker(WorkerParts parts) {
  NANOGRID_RETURN_IF_ERROR(CheckParts("WorkerParts", parts));
  NANOGRID_RETURN_IF_ERROR(CompleteOptions(parts.options));
  NANOGRID_ASSIGN_OR_RETURN(std::string end, parts.jobs->EventsEnd({}));
  try {
    return std::make_unique<QueueWorker>(std::move(parts), std::move(end));
  } catch (const std::system_error& error) {  // no thread to be had
    return MakeError(absl::StatusCode::kResourceExhausted, "cannot start the worker's threads: {}",
                     error.what());
  }
}

}  // namespace nanogrid
