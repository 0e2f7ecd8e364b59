#include "aws/dynamodb/job_items.h"

#include <charconv>

#include "core/errors.h"
#include "core/stored_json.h"
#include "nanogrid/records_json.h"

namespace nanogrid::aws {
namespace {

// Beside event and result of 64 KiB each.
constexpr size_t kMaxRecord = 240 << 10;

Item Key(std::string_view partition, std::string_view sort) {
  return {{"pk", TextValue(partition)}, {"sk", TextValue(sort)}};
}

int64_t Seconds(SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
int64_t Millis(SystemTime time) { return time.time_since_epoch().count(); }

Status Broken(const Item& item) {
  return MakeError(absl::StatusCode::kDataLoss, "dynamodb: broken item '{}' '{}'",
                   TextIn(item, "pk"), TextIn(item, "sk"));
}

// Most are far below. Control characters take six bytes in JSON.
std::string FittingRecord(const Job& job) {
  std::string record = StoredJobJson(job);
  if (record.size() <= kMaxRecord || !job.outcome) return record;
  Job shorter = job;
  while (record.size() > kMaxRecord && shorter.outcome->error) {
    FunctionError& error = *shorter.outcome->error;
    if (error.stack.empty() && error.message.empty()) break;
    std::string& longest = error.stack.size() > error.message.size() ? error.stack : error.message;
    size_t keep = longest.size() / 2;
    while (keep > 0 && (static_cast<unsigned char>(longest[keep]) & 0xc0) == 0x80) --keep;
    longest.resize(keep);
    record = StoredJobJson(shorter);
  }
  return record;
}

template <typename Number>
bool ParseWord(std::string_view word, Number& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return !word.empty() && error == std::errc() && end == word.data() + word.size();
}

uint64_t ParseNumber(std::string_view text) {
  uint64_t number = 0;
  return ParseWord(text, number) ? number : 0;
}

Result<StoredJob> ReadRecord(const Item& item) {
  const auto due = NumberIn(item, "due"), number = NumberIn(item, "number");
  if (!due || !number) return Broken(item);
  StoredJob stored{.number = static_cast<uint64_t>(*number)};
  NANOGRID_ASSIGN_OR_RETURN(stored.job, ParseStoredJobJson(BytesIn(item, "record")));
  // Extend changes it there alone.
  stored.job.due = SystemTime(std::chrono::milliseconds(*due));
  return stored;
}

// "REVISION STATE ATTEMPT MILLISECONDS JOB FUNCTION PROGRESS".
std::string EventText(const JobEvent& event) {
  return fmt::format("{} {} {} {} {} {} {}", event.revision, ToString(event.state), event.attempt,
                     Millis(event.time), event.job_id, event.function, event.progress);
}

// The word before the next space, which is taken away with it.
std::string_view TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

void SetEvent(Item& item, const JobEvent& event) {
  item["entry"] = TextValue(EventText(event));
  item["ttl"] = NumberValue(Seconds(event.time + kJobPartsLife));
}

}  // namespace

std::string Digits(uint64_t number) { return fmt::format("{:019}", number); }
std::string EventSortKey(uint64_t number) { return "event#" + Digits(number); }
std::string LogSortKey(uint64_t offset) { return "log#" + Digits(offset); }
std::string JobPartition(std::string_view id) { return fmt::format("job#{}", id); }
Item JobKey(std::string_view id) { return Key(JobPartition(id), "job"); }
Item CounterKey() { return Key("counter", "counter"); }
Item IdempotencyKey(std::string_view function, std::string_view key) {
  return Key(fmt::format("key#{}#{}", function, key), "key");
}

Item JobItem(const Job& job, uint64_t number, std::string_view change) {
  Item item = JobKey(job.id);
  item["kind"] = TextValue("job");
  item["number"] = NumberValue(static_cast<int64_t>(number));
  item["function"] = TextValue(job.function);
  item["state"] = TextValue(ToString(job.state));
  item["attempt"] = NumberValue(job.attempt);
  item["revision"] = NumberValue(job.revision);
  item["due"] = NumberValue(Millis(job.due));
  item["record"] = BytesValue(FittingRecord(job));
  item["log"] = NumberValue(0);
  item["change"] = TextValue(change);
  if (!job.event.empty()) item["event"] = BytesValue(job.event);
  return item;
}

Result<StoredJob> ReadJob(const Item& item) {
  NANOGRID_ASSIGN_OR_RETURN(StoredJob stored, ReadRecord(item));
  stored.log = static_cast<uint64_t>(NumberIn(item, "log").value_or(0));
  stored.change = TextIn(item, "change");
  stored.log_change = TextIn(item, "log_change");
  stored.job.event = BytesIn(item, "event");
  if (stored.job.outcome) stored.job.outcome->result = BytesIn(item, "result");
  return stored;
}

Result<StoredJob> ReadListedJob(const Item& item) { return ReadRecord(item); }

Write ChangeJob(const StoredJob& before, const Job& job, std::string_view change, int64_t expires) {
  Write write{.kind = Write::Kind::kUpdate, .item = JobKey(job.id)};
  write.update =
      "SET #state = :state, #attempt = :attempt, #revision = :revision, #due = :due, "
      "#record = :record, #change = :change";
  write.condition = "#revision = :before AND #number = :number";
  write.values = {{":state", TextValue(ToString(job.state))},
                  {":attempt", NumberValue(job.attempt)},
                  {":revision", NumberValue(job.revision)},
                  {":due", NumberValue(Millis(job.due))},
                  {":record", BytesValue(FittingRecord(job))},
                  {":change", TextValue(change)},
                  {":before", NumberValue(before.job.revision)},
                  {":number", NumberValue(static_cast<int64_t>(before.number))}};
  if (expires != 0) {
    write.update += ", #ttl = :ttl";
    write.values[":ttl"] = NumberValue(expires);
  }
  if (job.outcome && !job.outcome->result.empty()) {
    write.update += ", #result = :result";
    write.values[":result"] = BytesValue(job.outcome->result);
  } else {
    write.update += " REMOVE #result";
  }
  return write;
}

Item WhileRunningValues(const JobLease& lease) {
  return {{":processing", TextValue(ToString(JobState::kProcessing))},
          {":attempt", NumberValue(lease.attempt)}};
}

Item EventItem(const JobEvent& event, uint64_t number) {
  Item item = Key(JobPartition(event.job_id), EventSortKey(number));
  SetEvent(item, event);
  return item;
}

Item FeedItem(const JobEvent& event, uint64_t number) {
  Item item = Key("feed", Digits(number));
  SetEvent(item, event);
  return item;
}

Item NoEventItem(uint64_t number, SystemTime now) {
  Item item = Key("feed", Digits(number));
  item["ttl"] = NumberValue(Seconds(now + kJobPartsLife));
  return item;
}

bool IsNoEvent(const Item& item) { return !item.contains("entry"); }

SystemTime FeedTime(const Item& item) {
  return SystemTime(std::chrono::seconds(NumberIn(item, "ttl").value_or(0))) - kJobPartsLife;
}

Result<JobEvent> ReadEvent(const Item& item) {
  const uint64_t number = std::max(FeedNumber(item), EventNumber(item));
  std::string_view text = TextIn(item, "entry");
  JobEvent event{.cursor = std::to_string(number)};
  int64_t millis = 0;
  const bool revision = ParseWord(TakeWord(text), event.revision);
  const Result<JobState> state = ParseJobState(TakeWord(text));
  const bool attempt = ParseWord(TakeWord(text), event.attempt);
  const bool time = ParseWord(TakeWord(text), millis);
  if (number == 0 || !revision || !state.ok() || !attempt || !time) return Broken(item);
  event.state = *state;
  event.time = SystemTime(std::chrono::milliseconds(millis));
  event.job_id = TakeWord(text);
  event.function = TakeWord(text);
  event.progress = text;
  return event;
}

uint64_t FeedNumber(const Item& item) {
  return TextIn(item, "pk") == "feed" ? ParseNumber(TextIn(item, "sk")) : 0;
}

uint64_t EventNumber(const Item& item) {
  const std::string_view sort = TextIn(item, "sk");
  return sort.starts_with("event#") ? ParseNumber(sort.substr(6)) : 0;
}

uint64_t LogOffset(const Item& item) {
  const std::string_view sort = TextIn(item, "sk");
  return sort.starts_with("log#") ? ParseNumber(sort.substr(4)) : 0;
}

Item LogItem(std::string_view id, uint64_t offset, std::string_view bytes, SystemTime now) {
  Item item = Key(JobPartition(id), LogSortKey(offset));
  item["bytes"] = BytesValue(bytes);
  item["ttl"] = NumberValue(Seconds(now + kJobPartsLife));
  return item;
}

}  // namespace nanogrid::aws
