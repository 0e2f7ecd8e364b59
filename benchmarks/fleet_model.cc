#include "fleet_model.h"

#include <algorithm>
#include <deque>
#include <queue>
#include <random>

namespace nanogrid {
namespace {

// First come, first served by `servers` equal ones; when it is known what each takes, the time at
// which one is done is known when it comes.
class Station {
 public:
  explicit Station(uint32_t servers) : free_at_(servers, 0.0) {}

  double Serve(double now, double takes) {
    const auto first = std::min_element(free_at_.begin(), free_at_.end());
    *first = std::max(*first, now) + takes;
    busy_ += takes;
    return *first;
  }
  double busy() const { return busy_; }

 private:
  std::vector<double> free_at_;
  double busy_ = 0;
};

enum class Kind { kArrival, kReady, kDone, kLook, kWorkerStarts };

struct Event {
  double time;
  Kind kind;
  size_t job;
  bool operator>(const Event& other) const { return time > other.time; }
};

class Simulation {
 public:
  Simulation(const FleetCosts& costs, const FleetShape& shape, const FleetLoad& load,
             const FleetScalingModel& scaling)
      : costs_(costs),
        shape_(shape),
        load_(load),
        scaling_(scaling),
        random_(load.seed),
        services_(load.seed + 1),
        controllers_(shape.controllers),
        store_(1),
        workers_(shape.workers) {}

  FleetResult Run() {
    ScheduleArrival(0);
    if (scaling_.policy != nullptr) events_.push({scaling_.every, Kind::kLook, 0});
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      Account(event.time);
      Handle(event);
    }
    return Result();
  }

 private:
  void Handle(const Event& event) {
    switch (event.kind) {
      case Kind::kArrival:
        return Arrive(event.time);
      case Kind::kReady:
        waiting_.push_back(event.job);
        return StartJobs(event.time);
      case Kind::kDone:
        --busy_;
        took_.push_back(event.time - submitted_[event.job]);
        last_end_ = event.time;
        return StartJobs(event.time);
      case Kind::kLook:
        return Look(event.time);
      case Kind::kWorkerStarts:
        ++workers_;
        --starting_;
        return StartJobs(event.time);
    }
  }

  // Thinned from a Poisson process of the highest rate.
  void ScheduleArrival(double now) {
    std::exponential_distribution<double> gap(load_.max_rate);
    std::uniform_real_distribution<double> share(0, load_.max_rate);
    double time = now;
    do {
      time += gap(random_);
      if (time >= load_.seconds) return;
    } while (share(random_) > load_.rate(time));
    events_.push({time, Kind::kArrival, 0});
  }

  void Arrive(double now) {
    const size_t job = submitted_.size();
    submitted_.push_back(now);
    const double accepted = controllers_.Serve(now, costs_.controller);
    events_.push({store_.Serve(accepted, costs_.store_submit), Kind::kReady, job});
    ScheduleArrival(now);
  }

  void StartJobs(double now) {
    while (!waiting_.empty() && busy_ < workers_ * shape_.slots) {
      const size_t job = waiting_.front();
      waiting_.pop_front();
      ++busy_;
      std::exponential_distribution<double> varied(1 / load_.service);
      const double service = load_.exponential ? varied(services_) : load_.service;
      function_time_ += service;
      ++started_;
      const double stored = store_.Serve(now, costs_.store_run);
      events_.push({stored + costs_.worker + service, Kind::kDone, job});
    }
  }

  void Look(double now) {
    FleetState fleet{
        .backlog = waiting_.size(), .workers = workers_ + starting_, .slots = shape_.slots};
    const double slots = static_cast<double>(workers_) * shape_.slots;
    fleet.utilisation = slots > 0 ? std::min(1.0, static_cast<double>(busy_) / slots) : 0;
    if (started_ > 0) {
      fleet.service_time = std::chrono::nanoseconds(
          static_cast<int64_t>(function_time_ / static_cast<double>(started_) * 1e9));
    }
    const TimePoint time(std::chrono::milliseconds(static_cast<int64_t>(now * 1000) + 1));
    const uint32_t wanted = scaling_.policy->Decide(fleet, time).workers;
    for (; workers_ + starting_ < wanted; ++starting_) {
      events_.push({now + scaling_.starting, Kind::kWorkerStarts, 0});
    }
    // One that is busy is not taken.
    while (workers_ + starting_ > wanted && workers_ > 0 &&
           busy_ <= (workers_ - 1) * shape_.slots) {
      --workers_;
    }
    if (now < load_.seconds || busy_ > 0 || !waiting_.empty()) {
      events_.push({now + scaling_.every, Kind::kLook, 0});
    }
  }

  void Account(double now) {
    worker_seconds_ += (now - accounted_) * workers_;
    busy_seconds_ += (now - accounted_) * static_cast<double>(busy_);
    most_workers_ = std::max(most_workers_, workers_);
    accounted_ = now;
  }

  FleetResult Result() {
    FleetResult result{.jobs = took_.size(), .seconds = last_end_};
    if (took_.empty()) return result;
    std::sort(took_.begin(), took_.end());
    result.p50 = took_[took_.size() / 2];
    result.p99 = took_[took_.size() * 99 / 100];
    result.store_utilisation = store_.busy() / last_end_;
    result.controller_utilisation = controllers_.busy() / last_end_ / shape_.controllers;
    result.worker_utilisation = busy_seconds_ / (worker_seconds_ * shape_.slots);
    result.worker_hours = worker_seconds_ / 3600;
    result.most_workers = most_workers_;
    return result;
  }

  const FleetCosts costs_;
  const FleetShape shape_;
  const FleetLoad load_;
  const FleetScalingModel scaling_;
  std::mt19937_64 random_, services_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Station controllers_, store_;
  uint32_t workers_;
  uint32_t starting_ = 0;
  uint64_t busy_ = 0;
  std::deque<size_t> waiting_;
  std::vector<double> submitted_, took_;
  double function_time_ = 0;
  uint64_t started_ = 0;
  double last_end_ = 0, accounted_ = 0, worker_seconds_ = 0, busy_seconds_ = 0;
  uint32_t most_workers_ = 0;
};

}  // namespace

FleetResult SimulateFleet(const FleetCosts& costs, const FleetShape& shape, const FleetLoad& load,
                          const FleetScalingModel& scaling) {
  return Simulation(costs, shape, load, scaling).Run();
}

}  // namespace nanogrid
