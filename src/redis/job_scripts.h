// What the job store does on the server in one step. docs/adapters.md shows the keys.
#pragma once

#include "redis/script.h"

namespace nanogrid::redis {

// ARGV: prefix, id, function, idempotency key, due, record, event, what happened (text, JSON), how
// many events are kept. Answers the job there is, as HGETALL, or 1 if it was created.
const Script& CreateScript();
// ARGV: prefix, id, expected revision, name of this change, status, attempt, due, record, "keep",
// "set" or "clear" of the result, result, what happened (text, JSON), how many events are kept,
// when it expires or "". Answers DONE, also if it was done before, CHANGED or MISSING.
const Script& TransitionScript();
// ARGV: prefix, due, then ids and attempts in turn. Answers the positions of those not running.
const Script& ExtendScript();
// ARGV: prefix, id. Answers DONE, MISSING or the status that forbids it.
const Script& RemoveScript();
// ARGV: prefix, id, attempt, name of this change, bytes. Answers DONE or LOST.
const Script& AppendLogScript();
// ARGV: prefix, "status", "function" …: the list's name, number to begin below, limit. Answers
// jobs, as kJobFields.
const Script& ListScript();
// ARGV: prefix, time, limit. Answers jobs, as kJobFields.
const Script& DueScript();
// Answers the number of jobs in each state.
const Script& CountScript();

}  // namespace nanogrid::redis
