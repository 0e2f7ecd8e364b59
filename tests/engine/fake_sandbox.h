// A sandbox without isolation: instances answer what the test says.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "nanogrid/sandbox.h"

namespace nanogrid {

// Something that happens once, for threads to wait for.
class Event {
 public:
  void Set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
  }
  // False if the context ended first.
  bool Wait(const Context& context) {
    std::unique_lock lock(mutex_);
    if (context.deadline == TimePoint::max()) {
      return changed_.wait(lock, context.stop, [this] { return set_; });
    }
    return changed_.wait_until(lock, context.stop, context.deadline, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool set_ = false;
};

inline Outcome Returned(std::string result) { return {.result = std::move(result)}; }

// How a real instance ends when the context does.
inline Outcome EndedBy(const Context& context) {
  const bool cancelled = context.stop.stop_requested();
  return {.ending = cancelled ? Ending::kCancelled : Ending::kTimeout,
          .error = FunctionError{.type = cancelled ? "cancelled" : "timeout"}};
}

class FakeSandbox final : public Sandbox {
 public:
  struct Call {
    const Context& context;
    const Invocation& invocation;
    LogSink& log;
    const FunctionPackage& package;
    int instance;  // 1, 2, … in the order of their starts
  };
  // Set before use. The default answers the event.
  std::function<Result<Outcome>(const Call&)> on_invoke = [](const Call& call) {
    return Returned(std::string(call.invocation.event));
  };
  std::function<Status(const Context&, const FunctionPackage&)> on_start =
      [](const Context&, const FunctionPackage&) { return absl::OkStatus(); };

  Result<std::unique_ptr<Instance>> Start(const Context& context,
                                          const FunctionPackage& package) override {
    if (Status status = on_start(context, package); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    packages_.push_back(package);
    ++alive_;
    return std::make_unique<FakeInstance>(*this, package, static_cast<int>(packages_.size()));
  }

  std::vector<FunctionPackage> packages() const {
    const std::lock_guard lock(mutex_);
    return packages_;
  }
  int starts() const { return static_cast<int>(packages().size()); }
  int alive() const { return alive_; }
  int freezes() const { return freezes_; }
  int most_running() const { return most_running_; }
  bool misused() const { return misused_; }
  // Blocks until as many instances are alive, or have been frozen.
  void WaitForAlive(int count) const { WaitFor(alive_, count); }
  void WaitForFreezes(int count) const { WaitFor(freezes_, count); }

 private:
  class FakeInstance final : public Instance {
   public:
    FakeInstance(FakeSandbox& sandbox, const FunctionPackage& package, int number)
        : sandbox_(sandbox), package_(package), number_(number) {}
    ~FakeInstance() override {
      if (busy_) sandbox_.misused_ = true;
      --sandbox_.alive_;
      sandbox_.alive_.notify_all();
    }

    Result<Outcome> Invoke(const Context& context, const Invocation& invocation,
                           LogSink& log) override {
      if (busy_.exchange(true) || !reusable_) sandbox_.misused_ = true;
      const int running = ++sandbox_.running_;
      int most = sandbox_.most_running_;
      while (running > most && !sandbox_.most_running_.compare_exchange_weak(most, running)) {
      }
      Result<Outcome> outcome = sandbox_.on_invoke({context, invocation, log, package_, number_});
      --sandbox_.running_;
      reusable_ = package_.protocol == Protocol::kFrames && outcome.ok() &&
                  (outcome->ending == Ending::kReturned || outcome->ending == Ending::kException);
      busy_ = false;
      return outcome;
    }
    bool Reusable() const override { return reusable_; }
    Status Freeze() override {
      if (busy_) sandbox_.misused_ = true;
      ++sandbox_.freezes_;
      sandbox_.freezes_.notify_all();
      return absl::OkStatus();
    }
    uint64_t MemoryInUse() const override { return 0; }

   private:
    FakeSandbox& sandbox_;
    const FunctionPackage package_;
    const int number_;
    std::atomic<bool> busy_ = false;
    std::atomic<bool> reusable_ = true;
  };

  static void WaitFor(const std::atomic<int>& value, int wanted) {
    for (int now = value; now != wanted; now = value) value.wait(now);
  }

  mutable std::mutex mutex_;
  std::vector<FunctionPackage> packages_;
  std::atomic<int> alive_ = 0;
  std::atomic<int> freezes_ = 0;
  std::atomic<int> running_ = 0;
  std::atomic<int> most_running_ = 0;
  std::atomic<bool> misused_ = false;  // used by two at once, after its end, or stopped in use
};

}  // namespace nanogrid
