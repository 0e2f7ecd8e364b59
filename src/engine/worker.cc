// The worker: a receiver that never takes more than there are free slots, and the slots.
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

class QueueWorker final : public Worker {
 public:
  QueueWorker(WorkerParts parts, std::string events_end)
      : parts_(std::move(parts)),
        jobs_(parts_, parts_.options.name, std::move(events_end)),
        free_(parts_.options.slots) {
    for (uint32_t i = 0; i < parts_.options.slots; ++i) {
      slots_.emplace_back([this](const std::stop_token& stop) { RunSlot(stop); });
    }
    receiver_ = std::jthread([this](const std::stop_token& stop) { Receive(stop); });
  }
  ~QueueWorker() override { Stop({}); }

  void Stop(const Context& context) override {
    const std::lock_guard once(stop_mutex_);
    receiver_.request_stop();
    if (receiver_.joinable()) receiver_.join();
    if (!WaitUntilIdle(context)) {
      jobs_.StopAll();
      WaitUntilIdle({});
    }
    for (std::jthread& slot : slots_) slot.request_stop();
    slots_.clear();
  }

  WorkerStats GetStats() const override {
    const std::lock_guard lock(mutex_);
    const uint32_t slots = parts_.options.slots;
    return {.slots = slots, .busy = slots - free_, .finished = jobs_.finished()};
  }

 private:
  void Receive(const std::stop_token& stop) {
    GrowingPause pause;
    while (const size_t free = WaitForFreeSlot(stop)) {
      auto deliveries = parts_.queue->Receive(
          Context::WithStop(stop),
          {.max_messages = std::min(free, Queue::kMaxBatch), .lease = parts_.options.lease});
      if (!deliveries.ok()) {
        parts_.observer->OnError("receive jobs", deliveries.status());
        if (!pause.Wait(stop)) return;
        continue;
      }
      pause = GrowingPause();
      for (Delivery& delivery : *deliveries) {
        jobs_.Hold(delivery);
        const std::lock_guard lock(mutex_);
        --free_;
        ready_.push_back(std::move(delivery));
        changed_.notify_all();
      }
    }
  }

  // 0: stop was requested.
  size_t WaitForFreeSlot(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return free_ > 0; });
    return stop.stop_requested() ? 0 : free_;
  }

  void RunSlot(const std::stop_token& stop) {
    while (true) {
      Delivery delivery;
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [this] { return !ready_.empty(); })) return;
        delivery = std::move(ready_.front());
        ready_.pop_front();
      }
      jobs_.Handle(delivery);
      const std::lock_guard lock(mutex_);
      ++free_;
      changed_.notify_all();
    }
  }

  // False: the context ended first.
  bool WaitUntilIdle(const Context& context) {
    const auto idle = [this] { return free_ == parts_.options.slots; };
    std::unique_lock lock(mutex_);
    if (context.deadline == TimePoint::max()) return changed_.wait(lock, context.stop, idle);
    return changed_.wait_for(lock, context.stop, context.deadline - parts_.clock->Now(), idle);
  }

  const WorkerParts parts_;
  WorkerJobs jobs_;
  std::mutex stop_mutex_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Delivery> ready_;  // each has a slot already
  uint32_t free_;
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
  if (options.max_crashes == 0) {
    return InvalidArgument("WorkerOptions.max_crashes: must be 1 or more");
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
