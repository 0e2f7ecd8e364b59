#include "engine/controller_events.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <utility>

#include "engine/job_pause.h"

namespace nanogrid {
namespace {

constexpr size_t kBatch = 1000;
constexpr Duration kPauseAfterError = std::chrono::milliseconds(200);

}  // namespace

struct ControllerEvents::Subscriber {
  explicit Subscriber(Controller::EventCallback call) : callback(std::move(call)) {}

  const Controller::EventCallback callback;
  std::mutex calling;  // held during a call
  std::atomic<std::thread::id> caller{};
  bool ended = false;  // guarded by `calling`; by the caller itself during its call
};

struct ControllerEvents::Subscribers {
  using List = std::vector<std::shared_ptr<Subscriber>>;

  // Of the job, and of all jobs.
  void Find(const std::string& job_id, List& found) {
    const std::lock_guard lock(mutex);
    for (const std::string& key : {job_id, std::string()}) {
      const auto list = by_job.find(key);
      if (list != by_job.end()) found.insert(found.end(), list->second.begin(), list->second.end());
    }
  }

  std::mutex mutex;
  std::unordered_map<std::string, List> by_job;  // "": of all jobs
};

class ControllerEvents::Entry final : public Controller::Subscription {
 public:
  Entry(std::shared_ptr<Subscribers> all, std::string job_id, std::shared_ptr<Subscriber> mine)
      : all_(std::move(all)), job_id_(std::move(job_id)), mine_(std::move(mine)) {
    const std::lock_guard lock(all_->mutex);
    all_->by_job[job_id_].push_back(mine_);
  }
  ~Entry() override {
    {
      const std::lock_guard lock(all_->mutex);
      const auto list = all_->by_job.find(job_id_);
      std::erase(list->second, mine_);
      if (list->second.empty()) all_->by_job.erase(list);
    }
    if (mine_->caller == std::this_thread::get_id()) {
      mine_->ended = true;
      return;
    }
    const std::lock_guard lock(mine_->calling);
    mine_->ended = true;
  }

 private:
  const std::shared_ptr<Subscribers> all_;
  const std::string job_id_;
  const std::shared_ptr<Subscriber> mine_;
};

ControllerEvents::ControllerEvents(JobStore& jobs, std::string cursor, Observer& observer)
    : jobs_(jobs),
      observer_(observer),
      subscribers_(std::make_shared<Subscribers>()),
      cursor_(std::move(cursor)),
      thread_([this](const std::stop_token& stop) { Follow(stop); }) {}

ControllerEvents::~ControllerEvents() = default;

std::unique_ptr<Controller::Subscription> ControllerEvents::Subscribe(
    std::string_view job_id, Controller::EventCallback callback) {
  return std::make_unique<Entry>(subscribers_, std::string(job_id),
                                 std::make_shared<Subscriber>(std::move(callback)));
}

void ControllerEvents::Follow(const std::stop_token& stop) {
  Subscribers::List found;
  while (!stop.stop_requested()) {
    const auto events = jobs_.Events(Context::WithStop(stop), "", cursor_, kBatch);
    if (!events.ok()) {
      observer_.OnError("follow jobs", events.status());
      Pause(stop, kPauseAfterError);
      continue;
    }
    for (const JobEvent& event : *events) {
      found.clear();
      subscribers_->Find(event.job_id, found);
      for (const std::shared_ptr<Subscriber>& subscriber : found) {
        const std::lock_guard lock(subscriber->calling);
        if (subscriber->ended) continue;
        subscriber->caller = std::this_thread::get_id();
        subscriber->callback(event);
        subscriber->caller = std::thread::id();
      }
      cursor_ = event.cursor;
    }
    found.clear();
  }
}

}  // namespace nanogrid
