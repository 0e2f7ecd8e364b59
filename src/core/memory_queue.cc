#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "core/change_signal.h"
#include "core/errors.h"
#include "core/queue_rules.h"
#include "nanogrid/adapters/memory.h"

namespace nanogrid {
namespace {

struct Stored {
  std::string body;
  SystemTime sent;
  TimePoint visible;  // from then on anybody may receive it
  uint32_t receive_count = 0;
  std::string receipt{};  // of the lease that runs; empty: none
};

class MemoryQueue final : public Queue {
 public:
  explicit MemoryQueue(const Clock& clock) : clock_(clock) {}

  Result<std::vector<std::string>> Send(const Context& context,
                                        std::span<const Message> messages) override {
    NANOGRID_RETURN_IF_ERROR(CheckMessages(messages));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::vector<std::string> ids;
    const std::lock_guard lock(mutex_);
    for (const Message& message : messages) {
      const uint64_t id = ++last_id_;
      const TimePoint visible = clock_.Now() + message.delay;
      messages_.emplace(id,
                        Stored{.body = message.body, .sent = clock_.WallNow(), .visible = visible});
      (message.delay > Duration(0) ? hidden_ : ready_).emplace(visible, id);
      ids.push_back(std::to_string(id));
    }
    changed_.Notify();
    return ids;
  }

  Result<std::vector<Delivery>> Receive(const Context& context,
                                        const ReceiveOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceive(options));
    std::vector<Delivery> deliveries;
    std::unique_lock lock(mutex_);
    while (context.Check(clock_.Now()).ok()) {
      Reveal();
      while (!ready_.empty() && deliveries.size() < options.max_messages) {
        deliveries.push_back(Deliver(ready_.begin()->second, options.lease));
      }
      if (!deliveries.empty()) break;
      const TimePoint next = hidden_.empty() ? TimePoint::max() : hidden_.begin()->first;
      changed_.Wait(lock, context, clock_, next);
    }
    return deliveries;
  }

  Status Ack(const Context& context, std::span<const Receipt> receipts) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    Reveal();
    for (const Receipt& receipt : receipts) {
      const auto leased = leased_.find(receipt);
      if (leased == leased_.end()) continue;
      const auto message = messages_.find(leased->second);
      hidden_.erase({message->second.visible, message->first});
      messages_.erase(message);
      leased_.erase(leased);
    }
    return absl::OkStatus();
  }

  Result<std::vector<Receipt>> Extend(const Context& context, std::span<const Receipt> receipts,
                                      Duration lease) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
    NANOGRID_RETURN_IF_ERROR(CheckExtension(lease));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::vector<Receipt> lost;
    const std::lock_guard lock(mutex_);
    Reveal();
    for (const Receipt& receipt : receipts) {
      const auto leased = leased_.find(receipt);
      if (leased == leased_.end()) {
        lost.push_back(receipt);
        continue;
      }
      const uint64_t id = leased->second;
      Stored& message = messages_.at(id);
      hidden_.erase({message.visible, id});
      message.visible = clock_.Now() + lease;
      hidden_.emplace(message.visible, id);
    }
    Reveal();
    changed_.Notify();  // something may be visible earlier than who waits thinks
    return lost;
  }

  Result<QueueDepth> Depth(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    Reveal();
    return QueueDepth{.visible = ready_.size(),
                      .leased = leased_.size(),
                      .delayed = hidden_.size() - leased_.size()};
  }

 private:
  // What has become visible is ready, and its lease, if it had one, lost.
  void Reveal() {
    const TimePoint now = clock_.Now();
    while (!hidden_.empty() && hidden_.begin()->first <= now) {
      Stored& message = messages_.at(hidden_.begin()->second);
      leased_.erase(message.receipt);
      message.receipt.clear();
      ready_.insert(hidden_.extract(hidden_.begin()));
    }
  }

  Delivery Deliver(uint64_t id, Duration lease) {
    Stored& message = messages_.at(id);
    ready_.erase({message.visible, id});
    message.visible = clock_.Now() + lease;
    hidden_.emplace(message.visible, id);
    ++message.receive_count;
    message.receipt = std::to_string(id) + "-" + std::to_string(message.receive_count);
    leased_.emplace(message.receipt, id);
    return {.id = std::to_string(id),
            .receipt = message.receipt,
            .body = message.body,
            .receive_count = message.receive_count,
            .sent = message.sent};
  }

  using ByTime = std::set<std::pair<TimePoint, uint64_t>>;

  const Clock& clock_;
  std::mutex mutex_;
  ChangeSignal changed_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Stored> messages_;
  ByTime ready_;   // visible
  ByTime hidden_;  // leased or delayed
  std::map<Receipt, uint64_t, std::less<>> leased_;
};

}  // namespace

std::unique_ptr<Queue> MakeMemoryQueue(const Clock& clock) {
  return std::make_unique<MemoryQueue>(clock);
}

}  // namespace nanogrid
