// What the queue does on the server in one step. docs/adapters.md shows the keys.
#pragma once

#include "redis/script.h"

namespace nanogrid::redis {

// ARGV: prefix, then per message its delay in ms, an id, a body. Answers the ids.
const Script& SendScript();
// Brings delayed messages whose time has come, and those whose lease has ended, into the stream.
// Answers in how many ms this caller should do so again, at most 1000: of many who wait, one is on
// duty when the next message is due.
const Script& RevealScript();
// ARGV: prefix, receipts. Answers the positions of those that were not leased, from 0.
const Script& GiveBackScript();

// The consumer group, and the name of the consumer whose deliveries are leased for so many ms.
inline constexpr char kGroup[] = "workers";
inline constexpr char kConsumerPrefix[] = "lease-";

}  // namespace nanogrid::redis
