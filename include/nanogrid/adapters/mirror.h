// Objects in two stores at once: a second cloud for the day when the first one is gone.
// docs/adapters.md says what is promised.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/clock.h"
#include "nanogrid/storage.h"

namespace nanogrid {

struct MirrorOptions {
  // Where it is written down what the second store lacks, and what was written while the primary
  // could not be reached; made if missing, for this user alone. One process at a time has it, and
  // what is in it survives kill -9 and power failure.
  std::string outbox{};
  // Keys that begin with one of these are copied as soon as they are written; others when they are
  // archived. Removals always are.
  std::vector<std::string> prefixes = {""};
  // Take writes and removals while the primary cannot be reached: they are kept in the outbox, and
  // go to both stores when that is possible. False: Unavailable.
  bool accept_when_primary_down = true;
  // Read each copy back, and compare.
  bool verify_copies = true;

  uint32_t copies_at_once = 4;
  uint64_t max_outbox_bytes = 64ull << 30;  // content that waits; beyond: ResourceExhausted
  Duration primary_pause = std::chrono::seconds(2);  // not asked again for so long once it is gone
  Duration retry_base = std::chrono::milliseconds(200);  // waits between attempts: full jitter
  Duration retry_cap = std::chrono::seconds(30);
  const Clock* clock = &Clock::System();  // for `modified`; outlives the mirror
};

struct MirrorStats {
  uint64_t pending = 0;        // keys of which a store lacks something
  uint64_t pending_bytes = 0;  // content that is only in the outbox
  uint64_t copied = 0;         // since the start
  uint64_t removed = 0;
  uint64_t failed_attempts = 0;
  uint64_t conflicts = 0;       // writes that were dropped: somebody else's came first, or later
  uint64_t fallback_reads = 0;  // answered by the second store
  std::string last_error{};     // of an attempt; empty: none yet
};

struct MirrorReport {
  uint64_t objects = 0;  // that at least one side has
  uint64_t equal = 0;
  uint64_t only_primary = 0;
  uint64_t only_second = 0;
  uint64_t different = 0;
  uint64_t repaired = 0;
  uint64_t pending = 0;  // in the outbox, not compared
  uint64_t bytes_compared = 0;
  std::vector<std::string> details{};  // of the first hundred that are not equal
  bool Equal() const { return equal == objects && pending == 0; }
};

// The primary's word counts: a write or a removal is done when the primary has done it. The second
// store follows, surely but later. Reads are answered by the second store where the primary cannot
// be reached or lacks the object; etags may differ then.
//
// Without the primary, a write is done when it is in the outbox, from where this process reads it
// at once and others when it has got to one of the stores. `if_absent` is then decided by the
// outbox and the second store; of two processes that accepted the same key, the one that reaches
// the primary first keeps it, and the other's is dropped and counted. What another process wrote to
// the primary after this one had accepted a write is not replaced by it.
class MirroredStore : public ObjectStore {
 public:
  // Copies this key to the second store, whatever `prefixes` says; OK once that is written down.
  virtual Status Archive(const Context& context, std::string_view key) = 0;
  // Waits until nothing is pending.
  virtual Status Flush(const Context& context) = 0;
  // Compares the two sides, content by content. `repair`: copies what one side lacks, and the
  // primary's where they differ; nothing is ever removed.
  virtual Result<MirrorReport> Verify(const Context& context, std::string_view prefix,
                                      bool repair) = 0;
  virtual MirrorStats stats() const = 0;
};

// AlreadyExists if another process has the outbox; errors name the directory. What the outbox holds
// is being delivered from now on. Both stores make cursors as those of this library do.
Result<std::unique_ptr<MirroredStore>> MakeMirroredStore(std::unique_ptr<ObjectStore> primary,
                                                         std::unique_ptr<ObjectStore> second,
                                                         const MirrorOptions& options);

}  // namespace nanogrid
