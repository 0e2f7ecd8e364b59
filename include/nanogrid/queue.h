// Work that waits for somebody to do it, delivered at least once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nanogrid/clock.h"

namespace nanogrid {

struct Message {
  std::string body{};  // 1..Queue::kMaxBody bytes of UTF-8
  Duration delay{};    // not delivered before; 0..15 min (what every engine can do)
};

// Names one delivery, not the message: a later delivery of the same message has another. Opaque.
using Receipt = std::string;

struct Delivery {
  std::string id{};  // of the message
  Receipt receipt{};
  std::string body{};
  uint32_t receive_count = 1;  // deliveries of this message so far, this one included
  SystemTime sent{};
};

struct ReceiveOptions {
  size_t max_messages = 1;                    // 1..Queue::kMaxBatch
  Duration lease = std::chrono::seconds(30);  // 1 s..12 h: how long nobody else gets them
};

struct QueueDepth {
  uint64_t visible = 0;  // waiting to be received
  uint64_t leased = 0;   // received, neither acknowledged nor given up
  uint64_t delayed = 0;
};

// Thread-safe. A message is delivered until it is acknowledged: again when its lease ends, and
// rarely twice at once. Order is first come, first served as far as the engine behind it can tell;
// rely on nothing.
class Queue {
 public:
  static constexpr size_t kMaxBody = 256 << 10;
  static constexpr size_t kMaxBatch = 100;
  static constexpr Duration kMaxDelay = std::chrono::minutes(15);

  virtual ~Queue() = default;

  // Durable on return (memory: as long as the queue). Answers the messages' ids in their order. All
  // or nothing where the engine can; after an error some may have been sent. 1..kMaxBatch messages.
  virtual Result<std::vector<std::string>> Send(const Context& context,
                                                std::span<const Message> messages) = 0;
  // Waits until there is at least one and answers what is there, up to max_messages. Empty: the
  // context ended first (no error; nothing was received).
  virtual Result<std::vector<Delivery>> Receive(const Context& context,
                                                const ReceiveOptions& options) = 0;
  // The work is done: they are not delivered again. A receipt whose lease was lost is ignored.
  virtual Status Ack(const Context& context, std::span<const Receipt> receipts) = 0;
  // Leases end `lease` from now, 0..12 h; 0 gives the messages back at once. Answers the receipts
  // whose lease was lost before: somebody else may have those messages.
  virtual Result<std::vector<Receipt>> Extend(const Context& context,
                                              std::span<const Receipt> receipts,
                                              Duration lease) = 0;
  // May lag behind.
  virtual Result<QueueDepth> Depth(const Context& context) = 0;
};

}  // namespace nanogrid
