#include "aws/dynamodb/job_feed.h"

#include <algorithm>
#include <numeric>

#include "core/backoff.h"
#include "core/errors.h"

namespace nanogrid::aws {
namespace {

// A writer needs milliseconds from its number to its transaction.
constexpr auto kPatience = std::chrono::seconds(2);
// No request is carried out so long after it was signed; what has a later neighbour of that age is
// decided.
constexpr auto kOld = std::chrono::hours(1);
// How far `decided` may be behind in the table: what End reads again.
constexpr uint64_t kRemember = 64;
constexpr size_t kMaxMissing = 100'000;

constexpr std::string_view kCounts[] = {"count0", "count1", "count2", "count3", "count4"};
static_assert(std::size(kCounts) == kJobStates);

// "ADD #last :one, #count0 :c0 …" of what is not 0.
Write AddToCounter(int64_t numbers, const CountChange& counts) {
  Write write{.kind = Write::Kind::kUpdate, .item = CounterKey()};
  const auto add = [&write](std::string_view name, int64_t value) {
    if (value == 0) return;
    write.update += fmt::format("{} #{} :{}", write.update.empty() ? "ADD" : ",", name, name);
    write.values[fmt::format(":{}", name)] = NumberValue(value);
  };
  add("last", numbers);
  for (size_t i = 0; i < counts.size(); ++i) add(kCounts[i], counts[i]);
  return write;
}

uint64_t Unsigned(const Item& item, std::string_view name) {
  return static_cast<uint64_t>(std::max<int64_t>(NumberIn(item, name).value_or(0), 0));
}

}  // namespace

Result<uint64_t> JobFeed::Take(const Context& context, const CountChange& counts) {
  NANOGRID_ASSIGN_OR_RETURN(const auto counter, table_.Update(context, AddToCounter(1, counts)));
  const uint64_t number = counter ? Unsigned(*counter, "last") : 0;
  if (number == 0) return MakeError(absl::StatusCode::kDataLoss, "dynamodb: no counter");
  return number;
}

Status JobFeed::GiveUp(const Context& context, uint64_t number, const CountChange& counts) {
  const Write none{.item = NoEventItem(number, clock_.WallNow()),
                   .condition = "attribute_not_exists(#pk)"};
  NANOGRID_RETURN_IF_ERROR(table_.Do(context, none).status());
  CountChange undone = counts;
  for (int64_t& count : undone) count = -count;
  return AddCounts(context, undone);
}

Status JobFeed::AddCounts(const Context& context, const CountChange& counts) {
  const Write write = AddToCounter(0, counts);
  return write.update.empty() ? absl::OkStatus() : table_.Do(context, write).status();
}

Result<std::vector<uint64_t>> JobFeed::Counts(const Context& context) {
  NANOGRID_ASSIGN_OR_RETURN(const auto counter, table_.Get(context, CounterKey()));
  std::vector<uint64_t> counts(kJobStates);
  for (size_t i = 0; counter && i < kJobStates; ++i) counts[i] = Unsigned(*counter, kCounts[i]);
  return counts;
}

Result<JobFeed::Position> JobFeed::Where(const Context& context) {
  NANOGRID_ASSIGN_OR_RETURN(const auto counter, table_.Get(context, CounterKey()));
  if (!counter) return Position{};
  const std::lock_guard lock(mutex_);
  const uint64_t remembered = Unsigned(*counter, "decided");
  decided_ = std::max(decided_, remembered);
  return Position{
      .last = Unsigned(*counter, "last"), .decided = decided_, .remembered = remembered};
}

Result<std::vector<JobEvent>> JobFeed::Read(const Context& context, uint64_t after, size_t limit) {
  std::vector<JobEvent> events;
  while (events.size() < limit) {
    Query query{.condition = "#pk = :feed AND #sk > :after",
                .values = {{":feed", TextValue("feed")}, {":after", TextValue(Digits(after))}},
                .limit = limit - events.size()};
    NANOGRID_ASSIGN_OR_RETURN(const ItemPage page, table_.Find(context, query));
    bool again = !page.next.empty();
    for (const Item& item : page.items) {
      const uint64_t number = FeedNumber(item);
      if (number > after + 1) {
        NANOGRID_ASSIGN_OR_RETURN(const Gap gap, LookAtGap(context, after + 1, number, item));
        again = gap == Gap::kDecidedNow;
        if (gap != Gap::kDecided) break;
      }
      after = number;
      if (IsNoEvent(item)) continue;
      NANOGRID_ASSIGN_OR_RETURN(JobEvent event, ReadEvent(item));
      events.push_back(std::move(event));
    }
    if (!again) break;
  }
  return events;
}

// [begin, end), of which nothing was there before `next`.
Result<JobFeed::Gap> JobFeed::LookAtGap(const Context& context, uint64_t begin, uint64_t end,
                                        const Item& next) {
  if (FeedTime(next) < clock_.WallNow() - kOld) return Gap::kDecided;
  {
    const std::lock_guard lock(mutex_);
    if (end <= decided_ + 1) return Gap::kDecided;
  }
  if (end - begin >= kRemember) {  // nobody followed for a long time, or events have expired
    NANOGRID_ASSIGN_OR_RETURN(const Position position, Where(context));
    if (end <= position.decided + 1) return Gap::kDecided;
    NANOGRID_RETURN_IF_ERROR(End(context).status());
    return Gap::kDecidedNow;
  }
  std::vector<uint64_t> missing(end - begin);
  std::iota(missing.begin(), missing.end(), begin);
  NANOGRID_ASSIGN_OR_RETURN(const bool decided, Decide(context, missing));
  return decided ? Gap::kDecidedNow : Gap::kOpen;
}

// False while there is still hope for one of them.
Result<bool> JobFeed::Decide(const Context& context, const std::vector<uint64_t>& numbers) {
  const TimePoint now = Clock::System().Now();
  {
    const std::lock_guard lock(mutex_);
    if (missing_since_.size() > kMaxMissing) missing_since_.clear();
    bool patient = false;
    for (const uint64_t number : numbers) {
      const auto [it, added] = missing_since_.emplace(number, now);
      patient = patient || now - it->second < kPatience;
    }
    if (patient) return false;
    for (const uint64_t number : numbers) missing_since_.erase(number);
  }
  for (const uint64_t number : numbers) {
    const Write none{.item = NoEventItem(number, clock_.WallNow()),
                     .condition = "attribute_not_exists(#pk)"};
    NANOGRID_RETURN_IF_ERROR(table_.Do(context, none).status());
  }
  return true;
}

// Those in (decided, last].
Result<std::vector<uint64_t>> JobFeed::Undecided(const Context& context, const Position& position) {
  std::vector<uint64_t> missing;
  uint64_t expected = position.decided + 1;
  Query query{.condition = "#pk = :feed AND #sk BETWEEN :first AND :last",
              .values = {{":feed", TextValue("feed")},
                         {":first", TextValue(Digits(expected))},
                         {":last", TextValue(Digits(position.last))}},
              .attributes = "#pk, #sk"};
  do {
    NANOGRID_ASSIGN_OR_RETURN(ItemPage page, table_.Find(context, query));
    for (const Item& item : page.items) {
      for (const uint64_t number = FeedNumber(item); expected < number; ++expected) {
        missing.push_back(expected);
      }
      ++expected;
    }
    query.after = std::move(page.next);
  } while (!query.after.empty());
  for (; expected <= position.last; ++expected) missing.push_back(expected);
  return missing;
}

Result<uint64_t> JobFeed::End(const Context& context) {
  constexpr BackoffOptions kLook{.base = std::chrono::milliseconds(20),
                                 .cap = std::chrono::milliseconds(200)};
  NANOGRID_ASSIGN_OR_RETURN(const Position position, Where(context));
  for (Backoff backoff(kLook); position.decided < position.last;) {
    NANOGRID_ASSIGN_OR_RETURN(const std::vector<uint64_t> missing, Undecided(context, position));
    if (missing.empty()) break;
    NANOGRID_ASSIGN_OR_RETURN(const bool decided, Decide(context, missing));
    if (!decided) NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
  NANOGRID_RETURN_IF_ERROR(Remember(context, position, position.last));
  return position.last;
}

Status JobFeed::Remember(const Context& context, const Position& before, uint64_t decided) {
  {
    const std::lock_guard lock(mutex_);
    decided_ = std::max(decided_, decided);
  }
  if (decided < before.remembered + kRemember) return absl::OkStatus();
  const Write write{.kind = Write::Kind::kUpdate,
                    .item = CounterKey(),
                    .update = "SET #decided = :decided",
                    .condition = "attribute_not_exists(#decided) OR #decided < :decided",
                    .values = {{":decided", NumberValue(static_cast<int64_t>(decided))}}};
  return table_.Do(context, write).status();
}

}  // namespace nanogrid::aws
