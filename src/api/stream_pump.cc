#include "api/stream_pump.h"

#include <utility>

#include "api/answers.h"

namespace nanogrid {
namespace {

constexpr Duration kRest = std::chrono::milliseconds(50);

}  // namespace

void StreamPump::Start() {
  // Not on the I/O thread, where nothing may wait, as the end of a subscription does.
  parts_.responder->OnEnd([self = shared_from_this()]() mutable {
    TaskPool& pool = self->parts_.pool;
    pool.Post([kept = std::move(self)] { kept->Close(); });
  });
  parts_.pool.Post([self = shared_from_this()] {
    const Result<bool> answered = self->Open();
    if (!answered.ok()) return self->parts_.responder->Send(ErrorAnswer(answered.status()));
    if (!*answered) self->Run();
  });
}

void StreamPump::Run() {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
  }
  Result<Step> step = Pump();
  if (!step.ok()) return parts_.responder->End();
  if (step->bytes.empty()) return Done(step->next);
  parts_.responder->Write(std::move(step->bytes),
                          [self = shared_from_this(), next = step->next] { self->Done(next); });
}

void StreamPump::Done(Next next) {
  if (next == Next::kEnd) return parts_.responder->End();
  if (next == Next::kRest) {
    return parts_.pool.PostAfter(kRest, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Done(Next::kWait);
    });
  }
  {
    const std::lock_guard lock(mutex_);
    if (next == Next::kWait && !woken_) {
      busy_ = false;
      return;
    }
    // What wakes from here on may be too late for the next step. Not cleared before the first one:
    // what that sends may have been read while the stream was opened.
    woken_ = false;
  }
  parts_.pool.Post([self = shared_from_this()] { self->Run(); });
}

void StreamPump::Wake() {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    if (busy_) {
      woken_ = true;
      return;
    }
    busy_ = true;
  }
  parts_.pool.Post([self = shared_from_this()] { self->Run(); });
}

void StreamPump::WakeAfter(Duration delay) {
  parts_.pool.PostAfter(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Wake();
  });
}

void StreamPump::Subscribe(const std::string& job_id) {
  auto subscription =
      controller().Subscribe(job_id, [weak = weak_from_this()](const JobEvent& event) {
        const auto self = weak.lock();
        if (self && self->Matters(event)) self->Wake();
      });
  const std::lock_guard lock(mutex_);
  if (!ended_) subscription_ = std::move(subscription);
}

void StreamPump::Close() {
  std::unique_ptr<Controller::Subscription> subscription;
  const std::lock_guard lock(mutex_);
  ended_ = true;
  subscription.swap(subscription_);
}

}  // namespace nanogrid
