#include <array>
#include <map>
#include <set>
#include <utility>

#include "core/change_signal.h"
#include "core/errors.h"
#include "core/job_rules.h"
#include "core/names.h"
#include "nanogrid/adapters/memory.h"

namespace nanogrid {
namespace {

struct Record {
  Job job;
  std::string log{};
  std::vector<uint64_t> events{};  // their numbers
};

// As in lists and sweeps.
Job WithoutPayloads(Job job) {
  job.event.clear();
  if (job.outcome) job.outcome->result.clear();
  return job;
}

class MemoryJobStore final : public JobStore {
 public:
  explicit MemoryJobStore(const Clock& clock) : clock_(clock) {}

  Result<Job> Create(const Context& context, const Job& job) override {
    NANOGRID_RETURN_IF_ERROR(CheckNewJob(job));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    if (const auto same = ids_.find(job.id); same != ids_.end()) {
      return AnswerExisting(records_.at(same->second).job, job);
    }
    const std::pair key(job.function, job.idempotency_key);
    if (const auto same = keys_.find(key); same != keys_.end()) {
      return AnswerExisting(records_.at(same->second).job, job);
    }
    // A job has the number of its first event.
    const uint64_t number = last_event_ + 1;
    Record& record = records_[number];
    record.job = NewJob(job, clock_.WallNow());
    ids_.emplace(job.id, number);
    if (!job.idempotency_key.empty()) keys_.emplace(key, number);
    Enter(number, record.job);
    Happened(record);
    return record.job;
  }

  Result<Job> Get(const Context& context, std::string_view id) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(id);
    if (found == ids_.end()) return NoSuchJob(id);
    return records_.at(found->second).job;
  }

  Result<JobPage> List(const Context& context, const JobFilter& filter, std::string_view cursor,
                       size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto before, ReadJobCursor(cursor, filter));
    JobPage page;
    const std::lock_guard lock(mutex_);
    const auto list = lists_.find({filter.function, filter.state});
    if (list == lists_.end()) return page;
    const std::set<uint64_t>& numbers = list->second;
    auto next = std::make_reverse_iterator(before ? numbers.lower_bound(*before) : numbers.end());
    uint64_t last = 0;
    for (; next != numbers.rend(); ++next) {
      if (page.jobs.size() == limit) {
        page.cursor = MakeJobCursor(filter, last);
        break;
      }
      last = *next;
      page.jobs.push_back(WithoutPayloads(records_.at(last).job));
    }
    return page;
  }

  Result<Job> Transition(const Context& context, const JobLease& expected, JobState expected_state,
                         const Job& next) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(expected.id);
    if (found == ids_.end()) return NoSuchJob(expected.id);
    Record& record = records_.at(found->second);
    NANOGRID_RETURN_IF_ERROR(CheckExpected(record.job, expected, expected_state));
    NANOGRID_RETURN_IF_ERROR(CheckTransition(record.job, next));
    Leave(found->second, record.job);
    record.job = ChangedJob(record.job, next);
    Enter(found->second, record.job);
    Happened(record);
    return record.job;
  }

  Result<std::vector<JobLease>> Extend(const Context& context, std::span<const JobLease> leases,
                                       SystemTime due) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::vector<JobLease> lost;
    const std::lock_guard lock(mutex_);
    for (const JobLease& lease : leases) {
      const auto found = Running(lease);
      if (found == records_.end()) {
        lost.push_back(lease);
        continue;
      }
      due_.erase({found->second.job.due, found->first});
      found->second.job.due = due;
      due_.emplace(due, found->first);
    }
    return lost;
  }

  Result<std::vector<Job>> Due(const Context& context, SystemTime now, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    std::vector<Job> jobs;
    const std::lock_guard lock(mutex_);
    for (const auto& [due, number] : due_) {
      if (due > now || jobs.size() == limit) break;
      jobs.push_back(WithoutPayloads(records_.at(number).job));
    }
    return jobs;
  }

  Status Remove(const Context& context, std::string_view id) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(id);
    if (found == ids_.end()) return absl::OkStatus();
    const auto record = records_.find(found->second);
    const Job& job = record->second.job;
    if (!IsTerminal(job.state)) return NotTerminal(job);
    for (const uint64_t event : record->second.events) events_.erase(event);
    Leave(record->first, job);
    keys_.erase({job.function, job.idempotency_key});
    ids_.erase(found);
    records_.erase(record);
    return absl::OkStatus();
  }

  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const uint64_t after, ReadEventCursor(cursor));
    std::vector<JobEvent> events;
    std::unique_lock lock(mutex_);
    while (!context.stop.stop_requested()) {
      events = job_id.empty() ? AllEvents(after, limit) : EventsOf(job_id, after, limit);
      if (!events.empty() || !context.Check(clock_.Now()).ok()) break;
      changed_.Wait(lock, context, clock_, TimePoint::max());
    }
    return events;
  }

  Result<std::string> EventsEnd(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    return std::to_string(last_event_);
  }

  Status AppendLog(const Context& context, const JobLease& lease, std::string_view bytes) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    const auto found = Running(lease);
    if (found == records_.end()) return LeaseLost(lease);
    found->second.log += bytes;
    return absl::OkStatus();
  }

  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(id);
    if (found == ids_.end()) return NoSuchJob(id);
    LogChunk chunk{.next = offset};
    const std::string& log = records_.at(found->second).log;
    if (offset < log.size()) chunk.bytes = log.substr(offset, max_bytes);
    chunk.next += chunk.bytes.size();
    return chunk;
  }

  Result<std::vector<uint64_t>> Count(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::lock_guard lock(mutex_);
    return std::vector<uint64_t>(counts_.begin(), counts_.end());
  }

 private:
  using Records = std::map<uint64_t, Record>;
  using Filter = std::pair<std::string, std::optional<JobState>>;

  // Everything below with mutex_ held.

  static std::array<Filter, 4> FiltersOf(const Job& job) {
    return {{{"", std::nullopt},
             {job.function, std::nullopt},
             {"", job.state},
             {job.function, job.state}}};
  }
  void Enter(uint64_t number, const Job& job) {
    for (Filter& filter : FiltersOf(job)) lists_[std::move(filter)].insert(number);
    due_.emplace(job.due, number);
    ++counts_[static_cast<size_t>(job.state)];
  }
  void Leave(uint64_t number, const Job& job) {
    for (const Filter& filter : FiltersOf(job)) {
      const auto list = lists_.find(filter);
      list->second.erase(number);
      if (list->second.empty()) lists_.erase(list);
    }
    due_.erase({job.due, number});
    --counts_[static_cast<size_t>(job.state)];
  }
  void Happened(Record& record) {
    JobEvent event = EventOf(record.job, clock_.WallNow());
    event.cursor = std::to_string(++last_event_);
    record.events.push_back(last_event_);
    events_.emplace_hint(events_.end(), last_event_, std::move(event));
    changed_.Notify();
  }

  // The record of a running attempt, end() if it is not running.
  Records::iterator Running(const JobLease& lease) {
    const auto found = ids_.find(lease.id);
    if (found == ids_.end()) return records_.end();
    const auto record = records_.find(found->second);
    const Job& job = record->second.job;
    const bool running = job.state == JobState::kProcessing && job.attempt == lease.attempt;
    return running ? record : records_.end();
  }

  std::vector<JobEvent> AllEvents(uint64_t after, size_t limit) const {
    std::vector<JobEvent> events;
    for (auto next = events_.upper_bound(after); next != events_.end(); ++next) {
      if (events.size() == limit) break;
      events.push_back(next->second);
    }
    return events;
  }
  std::vector<JobEvent> EventsOf(std::string_view id, uint64_t after, size_t limit) const {
    std::vector<JobEvent> events;
    const auto found = ids_.find(id);
    if (found == ids_.end()) return events;
    for (const uint64_t number : records_.at(found->second).events) {
      if (number <= after) continue;
      if (events.size() == limit) break;
      events.push_back(events_.at(number));
    }
    return events;
  }

  const Clock& clock_;
  std::mutex mutex_;
  ChangeSignal changed_;
  uint64_t last_event_ = 0;
  Records records_;  // by number
  std::map<std::string, uint64_t, std::less<>> ids_;
  std::map<std::pair<std::string, std::string>, uint64_t> keys_;  // function, idempotency key
  std::map<Filter, std::set<uint64_t>> lists_;
  std::set<std::pair<SystemTime, uint64_t>> due_;
  std::map<uint64_t, JobEvent> events_;
  std::array<uint64_t, kJobStates> counts_{};
};

}  // namespace

std::unique_ptr<JobStore> MakeMemoryJobStore(const Clock& clock) {
  return std::make_unique<MemoryJobStore>(clock);
}

}  // namespace nanogrid
