// User ids, one for each container at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "core/unique_fd.h"
#include "nanogrid/status.h"

namespace nanogrid::docker {

// Thread-safe. As root, blocks of ids are locked against other processes, Linux sandboxes of ours
// included; else chance keeps them apart.
class UidPool {
 public:
  static constexpr uint32_t kBlockSize = 256;

  UidPool(uint32_t first, uint32_t count) : first_(first), blocks_(count / kBlockSize) {}

  Result<uint32_t> Take();
  void GiveBack(uint32_t uid);

 private:
  Status TakeBlock();

  const uint32_t first_;
  const uint32_t blocks_;
  std::mutex mutex_;
  std::set<uint32_t> free_{};
  std::vector<UniqueFd> locks_{};
};

// An id that goes back to its pool, which must outlive it.
class Uid {
 public:
  static Result<Uid> Take(UidPool& pool);
  Uid(Uid&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), id_(other.id_) {}
  Uid& operator=(Uid&&) = delete;
  ~Uid() {
    if (pool_ != nullptr) pool_->GiveBack(id_);
  }
  uint32_t id() const { return id_; }

 private:
  Uid(UidPool& pool, uint32_t id) : pool_(&pool), id_(id) {}

  UidPool* pool_;
  uint32_t id_;
};

}  // namespace nanogrid::docker
