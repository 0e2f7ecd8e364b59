// What queues accept: the same for every adapter (queue.h).
#pragma once

#include <span>

#include "nanogrid/queue.h"

namespace nanogrid {

// Each InvalidArgument names the field, the value and the limit.
Status CheckMessages(std::span<const Message> messages);
Status CheckReceive(const ReceiveOptions& options);
Status CheckReceipts(std::span<const Receipt> receipts);
// 0..12 h
Status CheckExtension(Duration lease);

}  // namespace nanogrid
