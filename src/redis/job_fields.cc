#include "redis/job_fields.h"

#include <charconv>

#include "core/errors.h"
#include "core/stored_json.h"
#include "nanogrid/records_json.h"

namespace nanogrid::redis {
namespace {

Status Broken(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "Redis: broken {}", what);
}

// What the hash has beside the record is newer: Extend changes it there only.
Result<StoredJob> Assemble(std::string_view record, const Reply& number, const Reply& due) {
  NANOGRID_ASSIGN_OR_RETURN(Job job, ParseStoredJobJson(record));
  job.due = SystemTime(std::chrono::milliseconds(due.Number()));
  return StoredJob{.number = static_cast<uint64_t>(number.Number()), .job = std::move(job)};
}

// The word before the next space, which is taken away with it.
std::string_view TakeWord(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

template <typename Number>
bool ParseWord(std::string_view word, Number& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

}  // namespace

Result<StoredJob> ReadJob(Reply& names_and_values) {
  const Reply none;
  const Reply *record = &none, *number = &none, *due = &none;
  std::string event, result;
  std::vector<Reply>& items = names_and_values.items;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string_view name = items[i].text;
    Reply& value = items[i + 1];
    if (name == "record") record = &value;
    if (name == "number") number = &value;
    if (name == "due") due = &value;
    if (name == "event") {
      event = std::move(value.text);
    } else if (name == "result") {
      result = std::move(value.text);
    }
  }
  NANOGRID_ASSIGN_OR_RETURN(StoredJob stored, Assemble(record->text, *number, *due));
  stored.job.event = std::move(event);
  if (stored.job.outcome) stored.job.outcome->result = std::move(result);
  return stored;
}

Result<StoredJob> ReadListedJob(const Reply& values) {
  constexpr size_t kDue = 5, kNumber = 6, kRecord = 7;  // as job_scripts.cc has them
  if (values.items.size() <= kRecord) return Broken("job");
  return Assemble(values.items[kRecord].text, values.items[kNumber], values.items[kDue]);
}

std::string EventText(const JobEvent& event) {
  return fmt::format("{} {} {} {} {}", event.revision, ToString(event.state), event.attempt,
                     event.time.time_since_epoch().count(), event.progress);
}

Result<JobEvent> ParseEventText(std::string_view text) {
  JobEvent event;
  int64_t millis = 0;
  const bool has_revision = ParseWord(TakeWord(text), event.revision);
  const Result<JobState> state = ParseJobState(TakeWord(text));
  const bool has_attempt = ParseWord(TakeWord(text), event.attempt);
  const bool has_time = ParseWord(TakeWord(text), millis);
  if (!has_revision || !state.ok() || !has_attempt || !has_time) return Broken("event");
  event.state = *state;
  event.time = SystemTime(std::chrono::milliseconds(millis));
  event.progress = text;
  return event;
}

}  // namespace nanogrid::redis
