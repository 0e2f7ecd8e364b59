// Which deliveries of this process may still be acknowledged or extended. SQS itself is lax: an old
// receipt handle may delete what somebody else is working on.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nanogrid/queue.h"

namespace nanogrid::aws {

struct SqsLease {
  Receipt receipt{};  // SQS's receipt handle
  std::string message_id{};
  TimePoint received{};  // SQS ends every lease 12 hours after it
  TimePoint ends{};      // not later than SQS thinks
};

// Thread-safe. Pure: the time is an argument.
class SqsLeases {
 public:
  // A new delivery of a message ends the lease of the one before.
  void Add(SqsLease lease, TimePoint now);
  // Those that are still held, which are no longer after it.
  std::vector<SqsLease> Take(std::span<const Receipt> receipts, TimePoint now);
  // None if it is held no more, or never was.
  std::optional<SqsLease> Find(const Receipt& receipt, TimePoint now);
  // The lease ends then; at once if that is not after `now`. Nothing if it is held no more.
  void SetEnd(const Receipt& receipt, TimePoint ends, TimePoint now);
  void Remove(const Receipt& receipt);
  size_t size() const;

 private:
  using Map = std::unordered_map<Receipt, SqsLease>;
  void Erase(Map::iterator lease);
  Map::iterator Held(const Receipt& receipt, TimePoint now);

  mutable std::mutex mutex_;
  Map leases_{};
  std::unordered_map<std::string, Receipt> by_message_{};
  size_t sweep_at_ = 1024;  // how many there are when those that have ended are thrown away
};

}  // namespace nanogrid::aws
