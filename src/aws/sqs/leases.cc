#include "aws/sqs/leases.h"

#include <algorithm>
#include <utility>

namespace nanogrid::aws {

void SqsLeases::Add(SqsLease lease, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (leases_.size() >= sweep_at_) {
    for (auto it = leases_.begin(); it != leases_.end();) {
      const auto each = it++;
      if (each->second.ends <= now) Erase(each);
    }
    sweep_at_ = std::max<size_t>(1024, 2 * leases_.size());
  }
  Receipt& current = by_message_[lease.message_id];
  if (current != lease.receipt) leases_.erase(current);
  current = lease.receipt;
  leases_[lease.receipt] = std::move(lease);
}

std::vector<SqsLease> SqsLeases::Take(std::span<const Receipt> receipts, TimePoint now) {
  std::vector<SqsLease> taken;
  const std::lock_guard lock(mutex_);
  for (const Receipt& receipt : receipts) {
    const auto found = Held(receipt, now);
    if (found == leases_.end()) continue;
    taken.push_back(found->second);
    Erase(found);
  }
  return taken;
}

std::optional<SqsLease> SqsLeases::Find(const Receipt& receipt, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto found = Held(receipt, now);
  return found == leases_.end() ? std::nullopt : std::optional(found->second);
}

void SqsLeases::SetEnd(const Receipt& receipt, TimePoint ends, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto found = leases_.find(receipt);
  if (found == leases_.end()) return;
  found->second.ends = ends;
  if (ends <= now) Erase(found);
}

void SqsLeases::Remove(const Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  if (const auto found = leases_.find(receipt); found != leases_.end()) Erase(found);
}

size_t SqsLeases::size() const {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

void SqsLeases::Erase(Map::iterator lease) {
  by_message_.erase(lease->second.message_id);
  leases_.erase(lease);
}

SqsLeases::Map::iterator SqsLeases::Held(const Receipt& receipt, TimePoint now) {
  const auto found = leases_.find(receipt);
  if (found == leases_.end() || now < found->second.ends) return found;
  Erase(found);
  return leases_.end();
}

}  // namespace nanogrid::aws
