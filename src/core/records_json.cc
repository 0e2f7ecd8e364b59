#include "nanogrid/records_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/errors.h"
#include "core/json.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

json::string Json(std::string_view text) { return json::string(text.data(), text.size()); }
json::string_view Key(std::string_view text) { return {text.data(), text.size()}; }

double Milliseconds(Duration duration) {
  // Microseconds are fine enough, and a short number.
  return std::round(std::chrono::duration<double, std::micro>(duration).count()) / 1000;
}
Duration FromMilliseconds(double value) {
  if (!(value >= 0 && value < 1e15)) return Duration::zero();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(value));
}

json::value TimeOrNull(SystemTime time) {
  if (time == SystemTime{}) return nullptr;
  return Json(FormatTime(time));
}

// JSON that a function wrote; it was checked when it came.
json::value ParsedOrNull(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::value value = json::parse(Key(text), error, {}, options);
  return error ? json::value(nullptr) : value;
}

Result<json::object> ParseObject(std::string_view text, std::string_view what) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::value value = json::parse(Key(text), error, {}, options);
  if (error || !value.is_object()) return InvalidArgument("{}: not a JSON object", what);
  return std::move(value.get_object());
}

// Members of an object; what is missing, null or of another type is the default.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string Text(std::string_view name) const {
    const json::value* const value = object_.if_contains(Key(name));
    const json::string* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string(text->data(), text->size()) : std::string();
  }
  template <typename Number>
  Number Get(std::string_view name) const {
    const json::value* const value = object_.if_contains(Key(name));
    json::error_code error;
    const auto number = value != nullptr ? value->to_number<Number>(error) : Number{};
    return error ? Number{} : number;
  }
  bool Flag(std::string_view name, bool otherwise) const {
    const json::value* const value = object_.if_contains(Key(name));
    return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
  }
  SystemTime Time(std::string_view name) const {
    const Result<SystemTime> time = ParseTime(Text(name));
    return time.ok() ? *time : SystemTime{};
  }
  const json::object* Object(std::string_view name) const {
    const json::value* const value = object_.if_contains(Key(name));
    return value != nullptr ? value->if_object() : nullptr;
  }
  const json::array& Array(std::string_view name) const {
    static const json::array none;
    const json::value* const value = object_.if_contains(Key(name));
    return value != nullptr && value->is_array() ? value->get_array() : none;
  }
  std::string Raw(std::string_view name) const {
    const json::value* const value = object_.if_contains(Key(name));
    return value != nullptr && !value->is_null() ? json::serialize(*value) : std::string();
  }

 private:
  const json::object& object_;
};

json::object RetryObject(const RetryPolicy& retry) {
  return {{"max_attempts", retry.max_attempts},
          {"backoff", Json(FormatDuration(retry.backoff))},
          {"max_backoff", Json(FormatDuration(retry.max_backoff))},
          {"max_age", Json(FormatDuration(retry.max_age))}};
}

json::value ErrorValue(const std::optional<FunctionError>& error) {
  if (!error) return nullptr;
  return json::object{{"type", Json(error->type)},
                      {"message", Json(error->message)},
                      {"stack", Json(error->stack)}};
}

void AddOutcome(const Outcome& outcome, json::object& object) {
  object["ending"] = Json(ToString(outcome.ending));
  object["error"] = ErrorValue(outcome.error);
  if (outcome.ending == Ending::kExited) object["exit_code"] = outcome.exit_code;
  if (outcome.ending == Ending::kSignaled) object["signal"] = outcome.signal;
  object["usage"] = json::object{{"wall_ms", Milliseconds(outcome.usage.wall)},
                                 {"cpu_ms", Milliseconds(outcome.usage.cpu)},
                                 {"peak_memory_bytes", outcome.usage.peak_memory}};
  object["start"] = Json(ToString(outcome.start));
  object["result_is_json"] = outcome.result_is_json;
  if (outcome.log_truncated) object["log_truncated"] = true;
  if (!outcome.isolation.empty()) object["isolation"] = Json(outcome.isolation);
  if (!outcome.refused_files.empty()) {
    json::array& refused = object["refused_files"].emplace_array();
    for (const OutputFile& file : outcome.refused_files) {
      refused.push_back(json::object{{"path", Json(file.path)}, {"reason", Json(file.reason)}});
    }
  }
}

Result<Outcome> ReadOutcome(const Reader& reader) {
  Outcome outcome;
  NANOGRID_ASSIGN_OR_RETURN(outcome.ending, ParseEnding(reader.Text("ending")));
  if (const json::object* const object = reader.Object("error")) {
    const Reader error(*object);
    outcome.error = FunctionError{error.Text("type"), error.Text("message"), error.Text("stack")};
  }
  outcome.exit_code = reader.Get<int>("exit_code");
  outcome.signal = reader.Get<int>("signal");
  if (const json::object* const object = reader.Object("usage")) {
    const Reader usage(*object);
    outcome.usage.wall = FromMilliseconds(usage.Get<double>("wall_ms"));
    outcome.usage.cpu = FromMilliseconds(usage.Get<double>("cpu_ms"));
    outcome.usage.peak_memory = usage.Get<uint64_t>("peak_memory_bytes");
  }
  outcome.start =
      reader.Text("start") == ToString(StartKind::kWarm) ? StartKind::kWarm : StartKind::kCold;
  outcome.result_is_json = reader.Flag("result_is_json", true);
  outcome.log_truncated = reader.Flag("log_truncated", false);
  outcome.isolation = reader.Text("isolation");
  for (const json::value& each : reader.Array("refused_files")) {
    if (!each.is_object()) continue;
    const Reader file(each.get_object());
    outcome.refused_files.push_back({.path = file.Text("path"), .reason = file.Text("reason")});
  }
  return outcome;
}

// "name: …", or "name 'value': …"; settings have numbers without quotes, too.
std::string_view NamedField(std::string_view message) {
  const size_t end = message.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_");
  if (end == 0 || end == std::string_view::npos) return {};
  const std::string_view name = message.substr(0, end);
  if (message[end] == ':' || message.substr(end).starts_with(" '")) return name;
  const auto settings = FunctionSettings();
  const bool is_setting = std::any_of(settings.begin(), settings.end(),
                                      [&](const SettingInfo& each) { return each.name == name; });
  return message[end] == ' ' && is_setting ? name : std::string_view();
}

}  // namespace

std::string JobJson(const Job& job) {
  json::object object{{"job_id", Json(job.id)},
                      {"function", Json(job.function)},
                      {"version", job.version},
                      {"status", Json(ToString(job.state))},
                      {"attempt", job.attempt},
                      {"created", Json(FormatTime(job.created))},
                      {"started", TimeOrNull(job.started)},
                      {"finished", TimeOrNull(job.finished)},
                      {"progress", ParsedOrNull(job.progress)},
                      {"retry", RetryObject(job.retry)},
                      {"revision", job.revision}};
  if (job.state == JobState::kPending) object["not_before"] = TimeOrNull(job.not_before);
  if (job.lost > 0) object["lost_attempts"] = job.lost;
  if (job.crashes > 0) object["crashes"] = job.crashes;
  if (!job.worker.empty()) object["worker"] = Json(job.worker);
  if (!job.idempotency_key.empty()) object["idempotency_key"] = Json(job.idempotency_key);
  if (!job.tenant.empty()) object["tenant"] = Json(job.tenant);
  if (!job.retry_of.empty()) object["retry_of"] = Json(job.retry_of);
  if (job.outcome) AddOutcome(*job.outcome, object);
  if (IsTerminal(job.state)) object["expires"] = TimeOrNull(job.due);
  if (job.state == JobState::kSuccess) object["result_size"] = job.result_size;
  if (job.files > 0) object["files"] = job.files;
  if (!job.dead_letter.empty()) object["dead_letter"] = Json(job.dead_letter);
  return json::serialize(object);
}

Result<Job> ParseJob(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object object, ParseObject(text, "job"));
  const Reader reader(object);
  Job job;
  job.id = reader.Text("job_id");
  if (job.id.empty()) return InvalidArgument("job: has no job_id");
  job.function = reader.Text("function");
  job.version = reader.Get<uint64_t>("version");
  NANOGRID_ASSIGN_OR_RETURN(job.state, ParseJobState(reader.Text("status")));
  job.attempt = reader.Get<uint32_t>("attempt");
  job.lost = reader.Get<uint32_t>("lost_attempts");
  job.crashes = reader.Get<uint32_t>("crashes");
  job.revision = reader.Get<uint32_t>("revision");
  job.created = reader.Time("created");
  job.not_before = reader.Time("not_before");
  job.started = reader.Time("started");
  job.finished = reader.Time("finished");
  job.due = reader.Time("expires");
  job.progress = reader.Raw("progress");
  job.worker = reader.Text("worker");
  job.idempotency_key = reader.Text("idempotency_key");
  job.tenant = reader.Text("tenant");
  job.retry_of = reader.Text("retry_of");
  job.result_size = reader.Get<uint64_t>("result_size");
  job.files = reader.Get<uint32_t>("files");
  job.dead_letter = reader.Text("dead_letter");
  if (const json::object* const retry = reader.Object("retry")) {
    for (const auto& [name, value] : *retry) {
      const std::string value_text =
          value.is_string() ? std::string(value.get_string()) : json::serialize(value);
      NANOGRID_RETURN_IF_ERROR(
          ApplyRetrySetting(job.retry, std::string(name.data(), name.size()), value_text));
    }
  }
  if (!reader.Text("ending").empty()) {
    NANOGRID_ASSIGN_OR_RETURN(job.outcome, ReadOutcome(reader));
  }
  return job;
}

std::string EventJson(const JobEvent& event) {
  return json::serialize(json::object{{"cursor", Json(event.cursor)},
                                      {"job_id", Json(event.job_id)},
                                      {"function", Json(event.function)},
                                      {"revision", event.revision},
                                      {"status", Json(ToString(event.state))},
                                      {"attempt", event.attempt},
                                      {"time", Json(FormatTime(event.time))},
                                      {"progress", ParsedOrNull(event.progress)}});
}

Result<JobEvent> ParseEvent(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object object, ParseObject(text, "event"));
  const Reader reader(object);
  JobEvent event;
  event.cursor = reader.Text("cursor");
  event.job_id = reader.Text("job_id");
  if (event.job_id.empty()) return InvalidArgument("event: has no job_id");
  event.function = reader.Text("function");
  event.revision = reader.Get<uint32_t>("revision");
  if (event.revision == 0) return InvalidArgument("event: has no revision");
  NANOGRID_ASSIGN_OR_RETURN(event.state, ParseJobState(reader.Text("status")));
  event.attempt = reader.Get<uint32_t>("attempt");
  event.time = reader.Time("time");
  event.progress = reader.Raw("progress");
  return event;
}

std::string FileJson(const OutputFile& file) {
  return json::serialize(json::object{{"path", Json(file.path)}, {"size", file.size}});
}

Result<OutputFile> ParseFile(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object object, ParseObject(text, "file"));
  const Reader reader(object);
  OutputFile file{.path = reader.Text("path"), .size = reader.Get<uint64_t>("size")};
  if (file.path.empty()) return InvalidArgument("file: has no path");
  return file;
}

std::string FunctionJson(const FunctionVersion& version) {
  json::object object{{"name", Json(version.name)},
                      {"version", version.number},
                      {"created", Json(FormatTime(version.created))},
                      {"code_digest", Json(version.code_digest)}};
  json::value settings = json::parse(SettingsJson(version));
  for (auto& [name, value] : settings.get_object()) object.emplace(name, std::move(value));
  return json::serialize(object);
}

Result<FunctionVersion> ParseFunction(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(json::object object, ParseObject(text, "function"));
  FunctionVersion version;
  {
    const Reader reader(object);
    version.name = reader.Text("name");
    if (version.name.empty()) return InvalidArgument("function: has no name");
    version.number = reader.Get<uint64_t>("version");
    version.created = reader.Time("created");
    version.code_digest = reader.Text("code_digest");
  }
  for (const char* const name : {"name", "version", "created", "code_digest"}) object.erase(name);
  FunctionSpec spec;
  NANOGRID_RETURN_IF_ERROR(ApplySettingsJson(spec, json::serialize(object)));
  version.runtime = std::move(spec.runtime);
  version.handler = std::move(spec.handler);
  version.env = std::move(spec.env);
  version.limits = spec.limits;
  version.grants = spec.grants;
  version.concurrency = spec.concurrency;
  version.fresh = spec.fresh;
  version.per_tenant = spec.per_tenant;
  version.retry = spec.retry;
  version.sandbox = std::move(spec.sandbox);
  version.image = std::move(spec.image);
  version.root = std::move(spec.root);
  return version;
}

std::string ErrorJson(const Status& error) {
  const std::string message(error.message());
  json::value field = nullptr;
  if (error.code() == absl::StatusCode::kInvalidArgument) {
    if (const std::string_view name = NamedField(message); !name.empty()) field = Json(name);
  }
  return json::serialize(
      json::object{{"error", json::object{{"code", Json(absl::StatusCodeToString(error.code()))},
                                          {"message", Json(message)},
                                          {"field", std::move(field)}}}});
}

Status ParseError(std::string_view text) {
  const auto unknown = [&] { return absl::UnknownError(std::string(text.substr(0, 1000))); };
  const Result<json::object> object = ParseObject(text, "error");
  if (!object.ok()) return unknown();
  const json::object* const error = Reader(*object).Object("error");
  if (error == nullptr) return unknown();
  const std::string name = Reader(*error).Text("code");
  for (int code = 1; code <= static_cast<int>(absl::StatusCode::kUnauthenticated); ++code) {
    const auto known = static_cast<absl::StatusCode>(code);
    if (absl::StatusCodeToString(known) == name)
      return Status(known, Reader(*error).Text("message"));
  }
  return unknown();
}

Status ApplyRetrySetting(RetryPolicy& retry, std::string_view name, std::string_view value) {
  const auto duration = [&](Duration& to) -> Status {
    NANOGRID_ASSIGN_OR_RETURN(to, ParseDuration(name, value));
    return absl::OkStatus();
  };
  if (name == "backoff") return duration(retry.backoff);
  if (name == "max_backoff") return duration(retry.max_backoff);
  if (name == "max_age") return duration(retry.max_age);
  if (name != "max_attempts") {
    return InvalidArgument(
        "{}: no such setting; there are max_attempts, backoff, max_backoff, max_age", name);
  }
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, retry.max_attempts);
  if (error != std::errc() || end != last) {
    return InvalidArgument("max_attempts: '{}', must be a whole number from 1 to 1000", value);
  }
  return absl::OkStatus();
}

Status ApplyRetrySetting(RetryChanges& retry, std::string_view name, std::string_view value) {
  RetryPolicy read;
  NANOGRID_RETURN_IF_ERROR(ApplyRetrySetting(read, name, value));
  if (name == "max_attempts") retry.max_attempts = read.max_attempts;
  if (name == "backoff") retry.backoff = read.backoff;
  if (name == "max_backoff") retry.max_backoff = read.max_backoff;
  if (name == "max_age") retry.max_age = read.max_age;
  return absl::OkStatus();
}

Status ValidateRetry(const RetryPolicy& retry) {
  if (retry.max_attempts < 1 || retry.max_attempts > 1000) {
    return InvalidArgument("max_attempts: {}, must be from 1 to 1000", retry.max_attempts);
  }
  constexpr Duration kLongest = std::chrono::hours(24 * 365);
  const std::pair<const char*, Duration> times[] = {
      {"backoff", retry.backoff}, {"max_backoff", retry.max_backoff}, {"max_age", retry.max_age}};
  for (const auto& [name, value] : times) {
    if (value < Duration::zero() || value > kLongest) {
      return InvalidArgument("{}: {}, must be from 0s to 365d", name, FormatDuration(value));
    }
  }
  if (retry.max_age < std::chrono::milliseconds(1)) {
    return InvalidArgument("max_age: {}, must be at least 1ms", FormatDuration(retry.max_age));
  }
  return absl::OkStatus();
}

Result<JobState> ParseJobState(std::string_view text) {
  for (const JobState state : {JobState::kPending, JobState::kProcessing, JobState::kSuccess,
                               JobState::kFailed, JobState::kCancelled}) {
    if (ToString(state) == text) return state;
  }
  return InvalidArgument("status: '{}', must be PENDING, PROCESSING, SUCCESS, FAILED or CANCELLED",
                         text);
}

Result<Ending> ParseEnding(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(Ending::kCancelled); ++i) {
    const auto ending = static_cast<Ending>(i);
    if (ToString(ending) == text) return ending;
  }
  return InvalidArgument("ending: '{}' is none", text);
}

std::string FormatTime(SystemTime time) {
  namespace chr = std::chrono;
  const auto day = chr::floor<chr::days>(time);
  const chr::year_month_day date(day);
  const chr::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<SystemTime> ParseTime(std::string_view text) {
  namespace chr = std::chrono;
  const std::string copy(text);
  int year = 0, size = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0;
  const int got = std::sscanf(copy.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u.%3uZ%n", &year, &month, &day,
                              &hour, &minute, &second, &milli, &size);
  const chr::year_month_day date{chr::year(year), chr::month(month), chr::day(day)};
  if (got != 7 || static_cast<size_t>(size) != copy.size() || size != 24 || !date.ok() ||
      hour > 23 || minute > 59 || second > 60) {
    return InvalidArgument("time '{}': must be as 2026-02-28T09:30:00.000Z", text);
  }
  return chr::sys_days(date) + chr::hours(hour) + chr::minutes(minute) + chr::seconds(second) +
         chr::milliseconds(milli);
}

}  // namespace nanogrid
