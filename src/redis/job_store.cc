#include <algorithm>

#include "core/errors.h"
#include "core/job_rules.h"
#include "core/names.h"
#include "core/request_id.h"
#include "core/stored_json.h"
#include "nanogrid/records_json.h"
#include "redis/job_fields.h"
#include "redis/job_scripts.h"
#include "redis/job_watcher.h"
#include "redis/stores.h"

namespace nanogrid::redis {
namespace {

constexpr uint64_t kMaxNumber = 1ull << 53;  // scores are doubles
constexpr size_t kMaxLogChunk = 64 << 20;

std::string Millis(SystemTime time) { return std::to_string(time.time_since_epoch().count()); }

// Names a change, so that it is not made twice when its answer gets lost.
std::string NameChange() { return MakeRequestId().substr(24); }

std::string_view ResultOf(const Job& job) {
  return job.outcome ? std::string_view(job.outcome->result) : std::string_view();
}

class RedisJobStore final : public JobStore {
 public:
  explicit RedisJobStore(std::unique_ptr<Client> client)
      : client_(std::move(client)),
        clock_(*client_->options().clock),
        kept_(std::to_string(client_->options().max_events)),
        watcher_(client_->server(), client_->Key(":events:")),
        interruption_watcher_(client_->server(), client_->Key(":interruptions:")) {}

  Result<Job> Create(const Context& context, const Job& asked) override {
    NANOGRID_RETURN_IF_ERROR(CheckNewJob(asked));
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const SystemTime now = clock_.WallNow();
    Job job = NewJob(asked, now);
    const JobEvent event = EventOf(job, now);
    const std::string due = Millis(job.due), record = StoredJobJson(job), text = EventText(event),
                      json = EventJson(event);
    const std::string_view arguments[] = {
        job.id, job.function, job.idempotency_key, due, record, job.event, text, json, kept_};
    NANOGRID_ASSIGN_OR_RETURN(Reply reply, client_->Run(io, CreateScript(), arguments));
    if (!reply.is_array()) return job;
    NANOGRID_ASSIGN_OR_RETURN(const StoredJob existing, ReadJob(reply));
    return AnswerExisting(existing.job, asked);
  }

  Result<Job> Get(const Context& context, std::string_view id) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    NANOGRID_ASSIGN_OR_RETURN(StoredJob stored, Find(io, id));
    return std::move(stored.job);
  }

  Result<JobPage> List(const Context& context, const JobFilter& filter, std::string_view cursor,
                       size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto before, ReadJobCursor(cursor, filter));
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string list = ListName(filter),
                      below = std::to_string(std::min(before.value_or(kMaxNumber), kMaxNumber)),
                      most = std::to_string(limit + 1);
    NANOGRID_ASSIGN_OR_RETURN(std::vector<StoredJob> rows,
                              Jobs(io, ListScript(), {{list, below, most}}));
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
    const std::string change = NameChange();
    while (true) {
      NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
      NANOGRID_ASSIGN_OR_RETURN(const StoredJob before, Find(io, expected.id));
      NANOGRID_RETURN_IF_ERROR(CheckExpected(before.job, expected, expected_state));
      NANOGRID_RETURN_IF_ERROR(CheckTransition(before.job, next));
      Job changed = ChangedJob(before.job, next);
      NANOGRID_ASSIGN_OR_RETURN(const Reply done, Store(io, before.job, changed, change));
      if (done.text == "DONE") return changed;
      if (done.text == "MISSING") return NoSuchJob(expected.id);
      // Somebody changed it meanwhile, perhaps only its progress.
    }
  }

  Result<std::vector<JobLease>> Extend(const Context& context, std::span<const JobLease> leases,
                                       SystemTime due) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    constexpr size_t kBatch = 500;  // others wait for a script
    std::vector<JobLease> lost;
    for (; !leases.empty(); leases = leases.subspan(std::min(kBatch, leases.size()))) {
      const auto batch = leases.first(std::min(kBatch, leases.size()));
      std::vector<std::string> words = {Millis(due)};
      for (const JobLease& lease : batch) {
        words.push_back(lease.id);
        words.push_back(std::to_string(lease.attempt));
      }
      const std::vector<std::string_view> arguments(words.begin(), words.end());
      NANOGRID_ASSIGN_OR_RETURN(const Reply reply, client_->Run(io, ExtendScript(), arguments));
      for (const Reply& position : reply.items) {
        const auto index = static_cast<size_t>(position.Number());
        if (index < batch.size()) lost.push_back(batch[index]);
      }
    }
    return lost;
  }

  Result<std::vector<Job>> Due(const Context& context, SystemTime now, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string time = Millis(now), most = std::to_string(limit);
    NANOGRID_ASSIGN_OR_RETURN(std::vector<StoredJob> rows, Jobs(io, DueScript(), {{time, most}}));
    std::vector<Job> jobs;
    for (StoredJob& row : rows) jobs.push_back(std::move(row.job));
    return jobs;
  }

  Status Remove(const Context& context, std::string_view id) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string_view arguments[] = {id};
    NANOGRID_ASSIGN_OR_RETURN(const Reply done, client_->Run(io, RemoveScript(), arguments));
    if (done.text == "DONE" || done.text == "MISSING") return absl::OkStatus();
    Job job{.id = std::string(id)};
    NANOGRID_ASSIGN_OR_RETURN(job.state, ParseJobState(done.text));
    return NotTerminal(job);
  }

  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    if (!job_id.empty()) {
      return Follow(
          context, watcher_, job_id, cursor, limit,
          [&](const Context& io, uint64_t after) { return EventsOf(io, job_id, after, limit); });
    }
    return Follow(context, watcher_, "", cursor, limit, [&](const Context& io, uint64_t after) {
      return StreamOf(":events", io, after, limit);
    });
  }

  Result<std::vector<JobEvent>> Interruptions(const Context& context, std::string_view cursor,
                                              size_t limit) override {
    return Follow(context, interruption_watcher_, "", cursor, limit,
                  [&](const Context& io, uint64_t after) {
                    return StreamOf(":interruptions", io, after, limit);
                  });
  }

  Result<std::string> EventsEnd(const Context& context) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    NANOGRID_ASSIGN_OR_RETURN(
        const std::vector<Reply> replies,
        client_->Call(io, Request().Command("GET", client_->Key(":jobs:last")), Repeat::kSafe));
    return std::to_string(replies.front().Number());
  }

  Status AppendLog(const Context& context, const JobLease& lease, std::string_view bytes) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string attempt = std::to_string(lease.attempt), change = NameChange();
    const std::string_view arguments[] = {lease.id, attempt, change, bytes};
    NANOGRID_ASSIGN_OR_RETURN(const Reply done, client_->Run(io, AppendLogScript(), arguments));
    return done.text == "DONE" ? absl::OkStatus() : LeaseLost(lease);
  }

  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    const std::string key = JobKey(id);
    const uint64_t first = std::min<uint64_t>(offset, kMaxNumber);
    const size_t size = std::min(max_bytes, kMaxLogChunk);
    const Request request =
        Request().Command("EXISTS", key).Command("GETRANGE", key + ":log", first, first + size - 1);
    NANOGRID_ASSIGN_OR_RETURN(std::vector<Reply> replies,
                              client_->Call(io, request, Repeat::kSafe));
    if (replies[0].Number() == 0) return NoSuchJob(id);
    LogChunk chunk{.next = offset};
    if (size > 0) chunk.bytes = std::move(replies[1].text);
    chunk.next += chunk.bytes.size();
    return chunk;
  }

  Result<std::vector<uint64_t>> Count(const Context& context) override {
    NANOGRID_ASSIGN_OR_RETURN(const Context io, ForServer(context));
    NANOGRID_ASSIGN_OR_RETURN(const Reply reply, client_->Run(io, CountScript(), {}));
    std::vector<uint64_t> counts;
    for (const Reply& count : reply.items) counts.push_back(static_cast<uint64_t>(count.Number()));
    counts.resize(kJobStates);
    return counts;
  }

 private:
  // The caller's context as the connection, which lives by the machine's clock, may use it; the
  // error if it has ended.
  Result<Context> ForServer(const Context& context) const {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    return &clock_ == &Clock::System() ? context : Context::WithStop(context.stop);
  }

  std::string JobKey(std::string_view id) const { return client_->Key(":job:") + std::string(id); }

  // As job_scripts.cc names the lists.
  static std::string ListName(const JobFilter& filter) {
    const std::string state = filter.state ? std::string(ToString(*filter.state)) : "";
    if (filter.function.empty()) return state.empty() ? ":all" : ":status:" + state;
    return ":function:" + filter.function + (state.empty() ? "" : ":" + state);
  }

  Result<StoredJob> Find(const Context& io, std::string_view id) {
    NANOGRID_ASSIGN_OR_RETURN(
        std::vector<Reply> replies,
        client_->Call(io, Request().Command("HGETALL", JobKey(id)), Repeat::kSafe));
    if (replies.front().items.empty()) return NoSuchJob(id);
    return ReadJob(replies.front());
  }

  Result<std::vector<StoredJob>> Jobs(const Context& io, const Script& script,
                                      std::vector<std::string_view> arguments) {
    NANOGRID_ASSIGN_OR_RETURN(const Reply reply, client_->Run(io, script, arguments));
    std::vector<StoredJob> jobs;
    for (const Reply& values : reply.items) {
      NANOGRID_ASSIGN_OR_RETURN(StoredJob job, ReadListedJob(values));
      jobs.push_back(std::move(job));
    }
    return jobs;
  }

  Result<Reply> Store(const Context& io, const Job& before, const Job& job,
                      const std::string& change) {
    const JobEvent event = EventOf(job, clock_.WallNow());
    const std::string revision = std::to_string(before.revision),
                      attempt = std::to_string(job.attempt), due = Millis(job.due),
                      record = StoredJobJson(job), text = EventText(event), json = EventJson(event),
                      expires = Expires(job);
    const std::string_view result = ResultOf(job);
    const std::string_view how = result == ResultOf(before) ? "keep"
                                 : result.empty()           ? "clear"
                                                            : "set";
    const std::string_view arguments[] = {
        job.id, revision, change, ToString(job.state), attempt, due, record, how, result, text,
        json,   kept_,    expires};
    return client_->Run(io, TransitionScript(), arguments);
  }

  // A terminal job without a time to be removed stays.
  std::string Expires(const Job& job) const {
    if (!IsTerminal(job.state) || job.due == SystemTime()) return "";
    const auto grace =
        std::chrono::ceil<std::chrono::milliseconds>(client_->options().expiry_grace);
    return Millis(job.due + grace);
  }

  // What `read` answers, waiting until there is something.
  template <typename Read>
  Result<std::vector<JobEvent>> Follow(const Context& context, JobWatcher& watcher,
                                       std::string_view job_id, std::string_view cursor,
                                       size_t limit, const Read& read) {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const uint64_t after, ReadEventCursor(cursor));
    Context io = Context::WithStop(context.stop);  // looks also when the deadline has passed
    if (&clock_ == &Clock::System() && context.Check(clock_.Now()).ok()) io = context;
    std::vector<JobEvent> events;
    std::optional<JobWatcher::Watch> watch;
    while (!context.stop.stop_requested()) {
      Result<std::vector<JobEvent>> found = read(io, after);
      if (absl::IsCancelled(found.status()) || absl::IsDeadlineExceeded(found.status())) break;
      if (!found.ok()) return found.status();
      events = *std::move(found);
      if (!events.empty() || !context.Check(clock_.Now()).ok()) break;
      if (watch) {
        watch->Wait(context, clock_);
      } else {
        watch.emplace(watcher, std::string(job_id));  // and looks once more
      }
    }
    return events;
  }

  Result<std::vector<JobEvent>> StreamOf(std::string_view stream, const Context& io, uint64_t after,
                                         size_t limit) {
    const Request request = Request().Command("XRANGE", client_->Key(stream),
                                              fmt::format("({}-0", after), "+", "COUNT", limit);
    NANOGRID_ASSIGN_OR_RETURN(std::vector<Reply> replies,
                              client_->Call(io, request, Repeat::kSafe));
    std::vector<JobEvent> events;
    for (Reply& entry : replies.front().items) {  // [id, ["job", id, "function", name, "event", …]]
      if (entry.items.size() != 2 || entry.items[1].items.size() != 6) {
        return MakeError(absl::StatusCode::kDataLoss, "Redis: an event of an unknown form");
      }
      std::vector<Reply>& fields = entry.items[1].items;
      NANOGRID_ASSIGN_OR_RETURN(JobEvent event, ParseEventText(fields[5].text));
      event.cursor = entry.items[0].text.substr(0, entry.items[0].text.find('-'));
      event.job_id = std::move(fields[1].text);
      event.function = std::move(fields[3].text);
      events.push_back(std::move(event));
    }
    return events;
  }

  Result<std::vector<JobEvent>> EventsOf(const Context& io, std::string_view id, uint64_t after,
                                         size_t limit) {
    const std::string key = JobKey(id);
    const Request request =
        Request()
            .Command("HGET", key, "function")
            .Command("ZRANGEBYSCORE", key + ":events", fmt::format("({}", after), "+inf",
                     "WITHSCORES", "LIMIT", 0, limit);
    NANOGRID_ASSIGN_OR_RETURN(const std::vector<Reply> replies,
                              client_->Call(io, request, Repeat::kSafe));
    std::vector<JobEvent> events;
    const std::vector<Reply>& texts = replies[1].items;  // and numbers
    for (size_t i = 0; i + 1 < texts.size(); i += 2) {
      NANOGRID_ASSIGN_OR_RETURN(JobEvent event, ParseEventText(texts[i].text));
      event.cursor = texts[i + 1].text;
      event.job_id = id;
      event.function = replies[0].text;
      events.push_back(std::move(event));
    }
    return events;
  }

  const std::unique_ptr<Client> client_;
  const Clock& clock_;
  const std::string kept_;
  JobWatcher watcher_, interruption_watcher_;
};

}  // namespace

std::unique_ptr<JobStore> MakeJobStore(std::unique_ptr<Client> client) {
  return std::make_unique<RedisJobStore>(std::move(client));
}

}  // namespace nanogrid::redis
