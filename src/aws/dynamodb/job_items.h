// Jobs, their events and logs as items of one table. Pure.
//
//   pk          sk             what
//   job#ID      job            the job, payloads included; alone in the indexes
//   job#ID      event#NUMBER   what happened to it
//   job#ID      log#OFFSET     what it printed
//   key#F#KEY   key            which job has the idempotency key KEY of function F
//   feed        NUMBER         all events, in their order; or that there is none of this number
//   counter     counter        the last number given out, and how many jobs are in each state
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws/dynamodb/item.h"
#include "nanogrid/job_store.h"

namespace nanogrid::aws {

// Events, log chunks and idempotency keys that nobody has removed are gone by then.
inline constexpr auto kJobPartsLife = std::chrono::hours(24 * 90);
inline constexpr size_t kLogChunk = 300 << 10;  // an item has at most 400 KB

struct StoredJob {
  Job job{};
  uint64_t number = 0;       // of its first event
  uint64_t log = 0;          // bytes
  std::string change{};      // names the latest change
  std::string log_change{};  // names the latest addition to its log
};

Item JobKey(std::string_view id);
Item CounterKey();
Item IdempotencyKey(std::string_view function, std::string_view key);
std::string JobPartition(std::string_view id);
// Of fixed width: they sort as their numbers do.
std::string Digits(uint64_t number);
std::string EventSortKey(uint64_t number);
std::string LogSortKey(uint64_t offset);

// The record is cut to what fits into an item: of an error's texts, if they are hard to write down.
Item JobItem(const Job& job, uint64_t number, std::string_view change);
Result<StoredJob> ReadJob(const Item& item);
// As an index has it: without payloads.
Result<StoredJob> ReadListedJob(const Item& item);
// What makes the job `job` of `before`, which is not changed meanwhile. `expires`: seconds; 0: it
// stays.
Write ChangeJob(const StoredJob& before, const Job& job, std::string_view change, int64_t expires);

// A condition on the job, and its values: this attempt is running.
inline constexpr std::string_view kWhileRunning = "#state = :processing AND #attempt = :attempt";
Item WhileRunningValues(const JobLease& lease);

// The event as the job's and as everybody's.
Item EventItem(const JobEvent& event, uint64_t number);
Item FeedItem(const JobEvent& event, uint64_t number);
// That there is no event of the number, and will be none.
Item NoEventItem(uint64_t number, SystemTime now);
bool IsNoEvent(const Item& item);
// When it was written, to the second.
SystemTime FeedTime(const Item& item);
Result<JobEvent> ReadEvent(const Item& item);
// 0 if it is none.
uint64_t FeedNumber(const Item& item);
uint64_t EventNumber(const Item& item);

uint64_t LogOffset(const Item& item);
Item LogItem(std::string_view id, uint64_t offset, std::string_view bytes, SystemTime now);

}  // namespace nanogrid::aws
