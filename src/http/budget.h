// A bounded amount of something that many share.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace nanogrid {

// Thread-safe. Outlives its claims.
class Budget {
 public:
  explicit Budget(uint64_t total) : total_(total) {}

  bool Take(uint64_t amount) {
    uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (amount > total_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
    return true;
  }
  void Give(uint64_t amount) { used_.fetch_sub(amount, std::memory_order_relaxed); }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const uint64_t total_;
  std::atomic<uint64_t> used_{0};
};

// A share of a budget, given back with it.
class BudgetClaim {
 public:
  BudgetClaim() = default;
  explicit BudgetClaim(Budget& budget) : budget_(&budget) {}
  BudgetClaim(BudgetClaim&& other) noexcept
      : budget_(other.budget_), amount_(std::exchange(other.amount_, 0)) {}
  BudgetClaim& operator=(BudgetClaim&& other) noexcept {
    (void)Resize(0);
    budget_ = other.budget_;
    amount_ = std::exchange(other.amount_, 0);
    return *this;
  }
  ~BudgetClaim() { (void)Resize(0); }

  // False, and nothing changes, if there is not so much left.
  [[nodiscard]] bool Resize(uint64_t amount) {
    if (amount > amount_ && (budget_ == nullptr || !budget_->Take(amount - amount_))) return false;
    if (amount < amount_) budget_->Give(amount_ - amount);
    amount_ = amount;
    return true;
  }
  uint64_t amount() const { return amount_; }

 private:
  Budget* budget_ = nullptr;
  uint64_t amount_ = 0;
};

}  // namespace nanogrid
