#include "fleet/health_probes.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "nanogrid/settings.h"

namespace nanogrid {

HealthProbes::HealthProbes(std::vector<Probe> probes, const ProbeOptions& options)
    : options_(options) {
  for (Probe& probe : probes) parts_.push_back({.probe = std::move(probe)});
  for (Part& part : parts_) {
    threads_.emplace_back([this, &part](const std::stop_token& stop) { Ask(part, stop); });
  }
}

void HealthProbes::Ask(Part& part, const std::stop_token& stop) {
  while (true) {
    uint64_t round = 0;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&part] { return part.asked > part.answered; })) return;
      round = part.asked;
    }
    const TimePoint began = options_.clock->Now();
    Context context = Context::WithTimeout(options_.timeout);
    context.stop = stop;
    Status status = part.probe.ask(context);
    const std::lock_guard lock(mutex_);
    part.answer = {part.probe.name, std::move(status), options_.clock->Now() - began};
    part.answered = round;
    changed_.notify_all();
  }
}

std::vector<Dependency> HealthProbes::Check() {
  const std::lock_guard one(check_mutex_);
  std::unique_lock lock(mutex_);
  const TimePoint now = options_.clock->Now();
  if (checked_ != TimePoint::min() && now - checked_ < options_.trust) return Collect();
  // Who has not answered yet is not asked again, but has its chance to answer now.
  for (Part& part : parts_) {
    if (part.asked == part.answered) ++part.asked;
  }
  changed_.notify_all();
  changed_.wait_for(lock, options_.timeout, [this] {
    return std::all_of(parts_.begin(), parts_.end(),
                       [](const Part& part) { return part.answered == part.asked; });
  });
  checked_ = options_.clock->Now();
  std::vector<Dependency> found = Collect();
  std::vector<Dependency> before = std::exchange(last_, found);
  lock.unlock();
  for (size_t i = 0; i < parts_.size(); ++i) {
    const bool was_ok = before.empty() || before[i].status.ok();
    if (was_ok && !found[i].status.ok()) {
      options_.observer->OnError("health of " + found[i].name, found[i].status);
    }
  }
  return found;
}

std::vector<Dependency> HealthProbes::Collect() const {
  std::vector<Dependency> found;
  for (const Part& part : parts_) {
    if (part.answered == part.asked) {
      found.push_back(part.answer);
      continue;
    }
    found.push_back({part.probe.name,
                     MakeError(absl::StatusCode::kDeadlineExceeded, "no answer within {}",
                               FormatDuration(options_.timeout)),
                     options_.timeout});
  }
  if (ending_) found.push_back({"process", Unavailable("is ending")});
  return found;
}

std::vector<Dependency> HealthProbes::Last() const {
  const std::lock_guard lock(mutex_);
  return checked_ == TimePoint::min() ? std::vector<Dependency>() : Collect();
}

void HealthProbes::SetEnding() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
}

}  // namespace nanogrid
