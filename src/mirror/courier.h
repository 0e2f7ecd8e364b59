// Brings what the outbox holds to the stores.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mirror/outbox.h"
#include "nanogrid/storage.h"

namespace nanogrid::mirror {

// Copies `key` from one store to the other, by way of a file of the outbox; `verify`: reads it back
// and compares. NotFound: the first one lacks it. `written`: what `to` has now.
Status CopyObject(const Context& context, ObjectStore& from, ObjectStore& to, const Outbox& outbox,
                  std::string_view key, bool verify, const WriteOptions& options = {});

// Its threads deliver as long as it lives.
class Courier {
 public:
  struct Counts {
    std::atomic<uint64_t> copied{0}, removed{0}, failed{0}, conflicts{0};
  };
  Courier(ObjectStore& primary, ObjectStore& second, Outbox& outbox, bool verify, uint32_t threads);
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  const Counts& counts() const { return counts_; }
  std::string last_error() const;

 private:
  void Work(const std::stop_token& stop);
  Status Deliver(const Context& context, const Entry& entry);
  Status TellPrimary(const Context& context, const Entry& entry);
  Status WriteToPrimary(const Context& context, const Entry& entry, bool if_absent);
  // While the primary is away, so that others can see it.
  void TellSecondEarly(const Context& context, const Entry& entry);
  Status Follow(const Context& context, const Entry& entry);

  ObjectStore& primary_;
  ObjectStore& second_;
  Outbox& outbox_;
  const bool verify_;
  Counts counts_{};
  mutable std::mutex mutex_;
  std::string last_error_{};
  std::map<std::string, uint64_t> told_early_{};  // numbers of entries, by key
  std::vector<std::jthread> threads_{};           // last: they use all of this
};

}  // namespace nanogrid::mirror
