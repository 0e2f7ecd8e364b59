// The order of all that happens to jobs: numbers, and the events that have them.
//
// A change takes the next number of a counter and then writes its event under it, in one
// transaction with the change. Numbers are given out in another order than they are written, and
// some never are: who follows the events waits at a number without one, and when that takes too
// long writes that there is none. The transaction of whoever had it then fails, and is made again
// with another number. So nobody who has passed a number misses an event of it.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <vector>

#include "aws/dynamodb/job_items.h"
#include "aws/dynamodb/table.h"
#include "core/job_rules.h"

namespace nanogrid::aws {

// How many jobs come to a state, or leave it.
using CountChange = std::array<int64_t, kJobStates>;

// Thread-safe.
class JobFeed {
 public:
  JobFeed(DynamoTable& table, const Clock& clock) : table_(table), clock_(clock) {}

  // The next number; counts are changed with it.
  Result<uint64_t> Take(const Context& context, const CountChange& counts);
  // The change with this number was not made, and will not be.
  Status GiveUp(const Context& context, uint64_t number, const CountChange& counts);
  // Counts alone.
  Status AddCounts(const Context& context, const CountChange& counts);
  Result<std::vector<uint64_t>> Counts(const Context& context);

  // Events after number `after` as far as it is decided which there are.
  Result<std::vector<JobEvent>> Read(const Context& context, uint64_t after, size_t limit);
  // The last number given out, once it is decided what all up to it are.
  Result<uint64_t> End(const Context& context);

 private:
  struct Position {
    uint64_t last = 0;        // number given out
    uint64_t decided = 0;     // all up to here are
    uint64_t remembered = 0;  // as the table has it, which may be behind
  };
  // Numbers that nothing was found under.
  enum class Gap {
    kDecided,     // there is nothing
    kDecidedNow,  // there is nothing, or there is by now: to be read again
    kOpen,        // there may be something yet
  };
  Result<Position> Where(const Context& context);
  Result<Gap> LookAtGap(const Context& context, uint64_t begin, uint64_t end, const Item& next);
  Result<bool> Decide(const Context& context, const std::vector<uint64_t>& numbers);
  Result<std::vector<uint64_t>> Undecided(const Context& context, const Position& position);
  Status Remember(const Context& context, const Position& before, uint64_t decided);

  DynamoTable& table_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<uint64_t, TimePoint> missing_since_{};
  uint64_t decided_ = 0;
};

}  // namespace nanogrid::aws
