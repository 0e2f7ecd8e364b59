#include <algorithm>
#include <atomic>

#include "aws/dynamodb/job_feed.h"
#include "aws/dynamodb/job_items.h"
#include "aws/dynamodb/job_log.h"
#include "aws/dynamodb/stores.h"
#include "core/backoff.h"
#include "core/change_signal.h"
#include "core/errors.h"
#include "core/names.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

constexpr BackoffOptions kConflict{.base = std::chrono::milliseconds(10),
                                   .cap = std::chrono::milliseconds(500)};
// Between looks for events of others: from the first to the last.
constexpr Duration kFirstLook = std::chrono::milliseconds(25);
constexpr Duration kLastLook = std::chrono::seconds(1);

constexpr std::string_view kUnlessThere = "attribute_not_exists(#pk)";

size_t Index(JobState state) { return static_cast<size_t>(state); }

class DynamoJobStore final : public JobStore {
 public:
  DynamoJobStore(std::unique_ptr<DynamoTable> table, const DynamoDbOptions& options)
      : table_(std::move(table)),
        clock_(*options.clock),
        grace_(options.expiry_grace),
        feed_(*table_, clock_),
        log_(*table_, clock_) {}

  Result<Job> Create(const Context& context, const Job& asked) override {
    NANOGRID_RETURN_IF_ERROR(CheckNewJob(asked));
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string change = MakeRequestId();
    CountChange counts{};
    counts[Index(JobState::kPending)] = 1;
    std::string stale;  // the job that has the key, but does not exist
    for (Backoff backoff(kConflict);;) {
      const SystemTime now = clock_.WallNow();
      Job job = NewJob(asked, now);
      NANOGRID_ASSIGN_OR_RETURN(const uint64_t number, feed_.Take(io, counts));
      std::vector<Write> writes = WritesOf(EventOf(job, now), number);
      writes.push_back(
          {.item = JobItem(job, number, change), .condition = std::string(kUnlessThere)});
      if (!job.idempotency_key.empty()) writes.push_back(TakeKey(job, stale, now));
      NANOGRID_ASSIGN_OR_RETURN(const bool done, table_->DoAll(io, writes));
      if (done) {
        Changed();
        return job;
      }
      NANOGRID_ASSIGN_OR_RETURN(const auto existing, FindSame(io, asked, stale));
      if (existing && existing->change == change) return existing->job;
      NANOGRID_RETURN_IF_ERROR(feed_.GiveUp(io, number, counts));
      if (existing) return AnswerExisting(existing->job, asked);
      NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(io));
    }
  }

  Result<Job> Get(const Context& context, std::string_view id) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    NANOGRID_ASSIGN_OR_RETURN(auto stored, Find(io, id));
    if (!stored) return NoSuchJob(id);
    return std::move(stored->job);
  }

  Result<JobPage> List(const Context& context, const JobFilter& filter, std::string_view cursor,
                       size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto before, ReadJobCursor(cursor, filter));
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    Query query = ListQuery(filter);
    query.forward = false;
    query.condition += " AND #number < :before";
    query.values[":before"] = NumberValue(
        static_cast<int64_t>(std::min<uint64_t>(before.value_or(INT64_MAX), INT64_MAX)));
    NANOGRID_ASSIGN_OR_RETURN(std::vector<StoredJob> rows, Listed(io, query, limit + 1));
    JobPage page;
    if (rows.size() > limit) {  // there are more
      rows.pop_back();
      page.cursor = MakeJobCursor(filter, rows.back().number);
    }
    for (StoredJob& row : rows) page.jobs.push_back(std::move(row.job));
    return page;
  }

  Result<Job> Transition(const Context& context, const JobLease& expected, JobState expected_state,
                         const Job& next) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string change = MakeRequestId();
    for (Backoff backoff(kConflict);;) {
      NANOGRID_ASSIGN_OR_RETURN(auto before, Find(io, expected.id));
      if (!before) return NoSuchJob(expected.id);
      if (before->change == change) return std::move(before->job);  // only its answer was lost
      NANOGRID_RETURN_IF_ERROR(CheckExpected(before->job, expected, expected_state));
      NANOGRID_RETURN_IF_ERROR(CheckTransition(before->job, next));
      Job job = ChangedJob(before->job, next);
      NANOGRID_ASSIGN_OR_RETURN(const bool done, Store(io, *before, job, change));
      if (done) return job;
      NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(io));
    }
  }

  Result<std::vector<JobLease>> Extend(const Context& context, std::span<const JobLease> leases,
                                       SystemTime due) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    std::vector<JobLease> lost;
    for (const JobLease& lease : leases) {
      Write write{.kind = Write::Kind::kUpdate,
                  .item = JobKey(lease.id),
                  .update = "SET #due = :due",
                  .condition = std::string(kWhileRunning),
                  .values = WhileRunningValues(lease)};
      write.values[":due"] = NumberValue(due.time_since_epoch().count());
      NANOGRID_ASSIGN_OR_RETURN(const bool done, table_->Do(io, write));
      if (!done) lost.push_back(lease);
    }
    return lost;
  }

  Result<std::vector<Job>> Due(const Context& context, SystemTime now, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    Query query{.index = "by_due",
                .condition = "#kind = :job AND #due <= :now",
                .values = {{":job", TextValue("job")},
                           {":now", NumberValue(now.time_since_epoch().count())}}};
    NANOGRID_ASSIGN_OR_RETURN(std::vector<StoredJob> rows, Listed(io, query, limit));
    std::vector<Job> jobs;
    for (StoredJob& row : rows) jobs.push_back(std::move(row.job));
    return jobs;
  }

  // What belongs to it first, so that a failure leaves a job that can be removed again.
  Status Remove(const Context& context, std::string_view id) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    NANOGRID_ASSIGN_OR_RETURN(const auto stored, Find(io, id));
    if (!stored) return absl::OkStatus();
    const Job& job = stored->job;
    if (!IsTerminal(job.state)) return NotTerminal(job);
    if (!job.idempotency_key.empty()) {
      const Write key{.kind = Write::Kind::kDelete,
                      .item = IdempotencyKey(job.function, job.idempotency_key),
                      .condition = "#job_id = :id",
                      .values = {{":id", TextValue(id)}}};
      NANOGRID_RETURN_IF_ERROR(table_->Do(io, key).status());
    }
    NANOGRID_RETURN_IF_ERROR(RemoveParts(io, id));
    const Write record{.kind = Write::Kind::kDelete,
                       .item = JobKey(id),
                       .condition = "#number = :number",
                       .values = {{":number", NumberValue(static_cast<int64_t>(stored->number))}}};
    NANOGRID_ASSIGN_OR_RETURN(const bool removed, table_->Do(io, record));
    if (!removed) return absl::OkStatus();  // somebody else did
    CountChange counts{};
    counts[Index(job.state)] = -1;
    return feed_.AddCounts(io, counts);
  }

  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const uint64_t after, ReadEventCursor(cursor));
    const Context io = Context::WithStop(context.stop);  // looks also when the deadline has passed
    Duration pause = kFirstLook;
    while (!context.stop.stop_requested()) {
      const uint64_t changes = changes_;
      auto events =
          job_id.empty() ? feed_.Read(io, after, limit) : EventsOf(io, job_id, after, limit);
      if (!events.ok() && context.stop.stop_requested()) break;
      if (!events.ok() || !events->empty()) return events;
      if (!context.Check(clock_.Now()).ok()) break;
      AwaitChange(context, changes, pause);
      pause = std::min(pause * 3 / 2, kLastLook);
    }
    return std::vector<JobEvent>();
  }

  Result<std::string> EventsEnd(const Context& context) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    NANOGRID_ASSIGN_OR_RETURN(const uint64_t last, feed_.End(io));
    return std::to_string(last);
  }

  Status AppendLog(const Context& context, const JobLease& lease, std::string_view bytes) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    return log_.Append(io, lease, bytes);
  }

  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    return log_.Read(io, id, offset, max_bytes);
  }

  Result<std::vector<uint64_t>> Count(const Context& context) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    return feed_.Counts(io);
  }

 private:
  // The caller's context as the connection, which lives by the machine's clock, may use it; the
  // error if it has ended.
  Result<Context> ForServer(const Context& context) const {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    return &clock_ == &Clock::System() ? context : Context::WithStop(context.stop);
  }

  Result<std::optional<StoredJob>> Find(const Context& io, std::string_view id) {
    NANOGRID_ASSIGN_OR_RETURN(const auto item, table_->Get(io, JobKey(id)));
    if (!item) return std::optional<StoredJob>();
    NANOGRID_ASSIGN_OR_RETURN(StoredJob stored, ReadJob(*item));
    return std::optional(std::move(stored));
  }

  // The job of the same id or key; `stale` is set if the key is a removed job's.
  Result<std::optional<StoredJob>> FindSame(const Context& io, const Job& asked,
                                            std::string& stale) {
    NANOGRID_ASSIGN_OR_RETURN(auto same, Find(io, asked.id));
    if (same || asked.idempotency_key.empty()) return same;
    NANOGRID_ASSIGN_OR_RETURN(
        const auto key, table_->Get(io, IdempotencyKey(asked.function, asked.idempotency_key)));
    if (!key) return same;
    const std::string id(TextIn(*key, "job_id"));
    NANOGRID_ASSIGN_OR_RETURN(same, Find(io, id));
    if (!same) stale = id;
    return same;
  }

  // Event and feed.
  static std::vector<Write> WritesOf(const JobEvent& event, uint64_t number) {
    return {{.item = FeedItem(event, number), .condition = std::string(kUnlessThere)},
            {.item = EventItem(event, number)}};
  }

  static Write TakeKey(const Job& job, const std::string& stale, SystemTime now) {
    Write key{.item = IdempotencyKey(job.function, job.idempotency_key),
              .condition = std::string(kUnlessThere)};
    key.item["job_id"] = TextValue(job.id);
    key.item["ttl"] = NumberValue(
        std::chrono::floor<std::chrono::seconds>(now + kJobPartsLife).time_since_epoch().count());
    if (!stale.empty()) {
      key.condition += " OR #job_id = :stale";
      key.values = {{":stale", TextValue(stale)}};
    }
    return key;
  }

  // False: somebody changed it meanwhile.
  Result<bool> Store(const Context& io, const StoredJob& before, const Job& job,
                     const std::string& change) {
    CountChange counts{};
    --counts[Index(before.job.state)];
    ++counts[Index(job.state)];
    NANOGRID_ASSIGN_OR_RETURN(const uint64_t number, feed_.Take(io, counts));
    std::vector<Write> writes = WritesOf(EventOf(job, clock_.WallNow()), number);
    writes.push_back(ChangeJob(before, job, change, Expires(job)));
    NANOGRID_ASSIGN_OR_RETURN(const bool done, table_->DoAll(io, writes));
    if (done) {
      Changed();
      return true;
    }
    NANOGRID_RETURN_IF_ERROR(feed_.GiveUp(io, number, counts));
    return false;
  }

  // A terminal job without a time to be removed stays.
  int64_t Expires(const Job& job) const {
    if (!IsTerminal(job.state) || job.due == SystemTime()) return 0;
    return std::chrono::ceil<std::chrono::seconds>(job.due + grace_).time_since_epoch().count();
  }

  static Query ListQuery(const JobFilter& filter) {
    Query query;
    if (!filter.function.empty()) {
      query = {.index = "by_function",
               .condition = "#function = :function",
               .values = {{":function", TextValue(filter.function)}}};
      if (!filter.state) return query;
      query.filter = "#state = :state";
    } else if (filter.state) {
      query = {.index = "by_state", .condition = "#state = :state"};
    } else {
      return {
          .index = "by_all", .condition = "#kind = :job", .values = {{":job", TextValue("job")}}};
    }
    query.values[":state"] = TextValue(ToString(*filter.state));
    return query;
  }

  Result<std::vector<StoredJob>> Listed(const Context& io, Query& query, size_t most) {
    std::vector<StoredJob> jobs;
    query.limit = most;
    do {
      NANOGRID_ASSIGN_OR_RETURN(ItemPage page, table_->Find(io, query));
      for (const Item& item : page.items) {
        if (jobs.size() == most) return jobs;
        NANOGRID_ASSIGN_OR_RETURN(StoredJob job, ReadListedJob(item));
        jobs.push_back(std::move(job));
      }
      query.after = std::move(page.next);
    } while (!query.after.empty() && jobs.size() < most);
    return jobs;
  }

  // Events and log; the places of its events in the feed stay, empty.
  Status RemoveParts(const Context& io, std::string_view id) {
    Query query{.condition = "#pk = :job",
                .values = {{":job", TextValue(JobPartition(id))}},
                .attributes = "#pk, #sk"};
    do {
      NANOGRID_ASSIGN_OR_RETURN(ItemPage page, table_->Find(io, query));
      std::vector<Write> writes;
      for (Item& item : page.items) {
        if (TextIn(item, "sk") == "job") continue;
        if (const uint64_t number = EventNumber(item); number != 0) {
          writes.push_back({.item = NoEventItem(number, clock_.WallNow())});
        }
        writes.push_back({.kind = Write::Kind::kDelete, .item = std::move(item)});
      }
      NANOGRID_RETURN_IF_ERROR(table_->WriteMany(io, std::move(writes)));
      query.after = std::move(page.next);
    } while (!query.after.empty());
    return absl::OkStatus();
  }

  Result<std::vector<JobEvent>> EventsOf(const Context& io, std::string_view id, uint64_t after,
                                         size_t limit) {
    const Query query{.condition = "#pk = :job AND #sk BETWEEN :first AND :last",
                      .values = {{":job", TextValue(JobPartition(id))},
                                 {":first", TextValue(EventSortKey(after + 1))},
                                 {":last", TextValue(EventSortKey(INT64_MAX))}},
                      .limit = limit};
    NANOGRID_ASSIGN_OR_RETURN(const ItemPage page, table_->Find(io, query));
    std::vector<JobEvent> events;
    for (const Item& item : page.items) {
      NANOGRID_ASSIGN_OR_RETURN(JobEvent event, ReadEvent(item));
      events.push_back(std::move(event));
    }
    return events;
  }

  void Changed() {
    const std::lock_guard lock(mutex_);
    ++changes_;
    changed_.Notify();
  }

  // Until something was changed by this store, a while for what others change, or the end.
  void AwaitChange(const Context& context, uint64_t seen, Duration pause) {
    const TimePoint until = Clock::System().Now() + pause;
    std::unique_lock lock(mutex_);
    while (changes_ == seen) {
      const Duration left = until - Clock::System().Now();
      if (left <= Duration::zero()) return;
      if (!changed_.Wait(lock, context, clock_, TimePoint::max(), left)) return;
    }
  }

  const std::unique_ptr<DynamoTable> table_;
  const Clock& clock_;
  const Duration grace_;
  JobFeed feed_;
  JobLog log_;
  std::mutex mutex_;
  ChangeSignal changed_;
  std::atomic<uint64_t> changes_{0};
};

}  // namespace

std::unique_ptr<JobStore> MakeJobStore(std::unique_ptr<DynamoTable> table,
                                       const DynamoDbOptions& options) {
  return std::make_unique<DynamoJobStore>(std::move(table), options);
}

}  // namespace nanogrid::aws
