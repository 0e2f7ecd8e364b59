#include "core/stored_json.h"

#include <boost/json.hpp>
#include <charconv>

#include "core/errors.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

// Reads the fields of an object that this file wrote; what is missing keeps its default, so that
// records of older builds are read too.
class Fields {
 public:
  // Texts of functions may be any bytes.
  static Result<Fields> Parse(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    json::value value = json::parse({text.data(), text.size()}, error, {}, options);
    if (error || !value.is_object()) return MakeError(absl::StatusCode::kDataLoss, "broken record");
    return Fields(std::move(value.get_object()));
  }
  explicit Fields(json::object object) : object_(std::move(object)) {}

  void Get(const char* name, std::string& value) const {
    if (const json::value* found = object_.if_contains(name); found && found->is_string()) {
      value.assign(found->get_string().data(), found->get_string().size());
    }
  }
  void Get(const char* name, bool& value) const {
    if (const json::value* found = object_.if_contains(name))
      value = found->if_bool() && *found->if_bool();
  }
  template <std::integral Integer>
  void Get(const char* name, Integer& value) const {
    const json::value* found = object_.if_contains(name);
    if (found == nullptr) return;
    if (const int64_t* number = found->if_int64()) value = static_cast<Integer>(*number);
    if (const uint64_t* number = found->if_uint64()) value = static_cast<Integer>(*number);
  }
  void Get(const char* name, SystemTime& value) const {
    SystemTime::rep count = value.time_since_epoch().count();
    Get(name, count);
    value = SystemTime(std::chrono::milliseconds(count));
  }
  void Get(const char* name, Duration& value) const {
    Duration::rep count = value.count();
    Get(name, count);
    value = Duration(count);
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Get(const char* name, Enum& value) const {
    int number = static_cast<int>(value);
    Get(name, number);
    value = static_cast<Enum>(number);
  }
  const json::object* Object(const char* name) const {
    const json::value* found = object_.if_contains(name);
    return found == nullptr ? nullptr : found->if_object();
  }
  const json::array* Array(const char* name) const {
    const json::value* found = object_.if_contains(name);
    return found == nullptr ? nullptr : found->if_array();
  }
  bool Has(const char* name) const { return object_.contains(name); }

 private:
  json::object object_;
};

template <typename Enum>
int Number(Enum value) {
  return static_cast<int>(value);
}

int64_t Millis(SystemTime time) { return time.time_since_epoch().count(); }

// Shares are text: Boost.JSON's doubles do not come back as they were to the last bit.
std::string ShareText(double share) { return fmt::format("{}", share); }
double ParseShare(const std::string& text) {
  double share = 0;
  std::from_chars(text.data(), text.data() + text.size(), share);
  return share;
}

json::object LimitsObject(const Limits& limits) {
  json::object object{{"memory", limits.memory},
                      {"cpus", ShareText(limits.cpus)},
                      {"tmp_size", limits.tmp_size},
                      {"max_processes", limits.max_processes},
                      {"max_open_files", limits.max_open_files},
                      {"max_output", limits.max_output},
                      {"max_files", limits.max_files}};
  if (limits.timeout) object["timeout_ns"] = limits.timeout->count();
  return object;
}

Limits ReadLimits(const Fields& fields) {
  Limits limits;
  fields.Get("memory", limits.memory);
  std::string cpus;
  fields.Get("cpus", cpus);
  limits.cpus = ParseShare(cpus);
  fields.Get("tmp_size", limits.tmp_size);
  fields.Get("max_processes", limits.max_processes);
  fields.Get("max_open_files", limits.max_open_files);
  fields.Get("max_output", limits.max_output);
  fields.Get("max_files", limits.max_files);
  if (fields.Has("timeout_ns")) fields.Get("timeout_ns", limits.timeout.emplace());
  return limits;
}

void AddRetry(const RetryPolicy& retry, json::object& object) {
  object["max_attempts"] = retry.max_attempts;
  object["backoff_ns"] = retry.backoff.count();
  object["max_backoff_ns"] = retry.max_backoff.count();
  object["max_age_ns"] = retry.max_age.count();
}

void ReadRetry(const Fields& fields, RetryPolicy& retry) {
  fields.Get("max_attempts", retry.max_attempts);
  fields.Get("backoff_ns", retry.backoff);
  fields.Get("max_backoff_ns", retry.max_backoff);
  fields.Get("max_age_ns", retry.max_age);
}

json::object OutcomeObject(const Outcome& outcome) {
  json::object object{
      {"ending", Number(outcome.ending)},         {"result_is_json", outcome.result_is_json},
      {"exit_code", outcome.exit_code},           {"signal", outcome.signal},
      {"wall_ns", outcome.usage.wall.count()},    {"cpu_ns", outcome.usage.cpu.count()},
      {"peak_memory", outcome.usage.peak_memory}, {"start", Number(outcome.start)},
      {"log_truncated", outcome.log_truncated},   {"isolation", outcome.isolation}};
  if (outcome.error) {
    object["error"] = json::object{{"type", outcome.error->type},
                                   {"message", outcome.error->message},
                                   {"stack", outcome.error->stack}};
  }
  if (!outcome.refused_files.empty()) {
    json::array& refused = object["refused_files"].emplace_array();
    for (const OutputFile& file : outcome.refused_files) {
      refused.push_back(
          json::object{{"path", file.path}, {"size", file.size}, {"reason", file.reason}});
    }
  }
  return object;
}

Outcome ReadOutcome(const Fields& fields) {
  Outcome outcome;
  fields.Get("ending", outcome.ending);
  fields.Get("result_is_json", outcome.result_is_json);
  fields.Get("exit_code", outcome.exit_code);
  fields.Get("signal", outcome.signal);
  fields.Get("wall_ns", outcome.usage.wall);
  fields.Get("cpu_ns", outcome.usage.cpu);
  fields.Get("peak_memory", outcome.usage.peak_memory);
  fields.Get("start", outcome.start);
  fields.Get("log_truncated", outcome.log_truncated);
  fields.Get("isolation", outcome.isolation);
  if (const json::array* const refused = fields.Array("refused_files")) {
    for (const json::value& each : *refused) {
      if (!each.is_object()) continue;
      const Fields file(each.get_object());
      OutputFile& read = outcome.refused_files.emplace_back();
      file.Get("path", read.path);
      file.Get("size", read.size);
      file.Get("reason", read.reason);
    }
  }
  if (const json::object* object = fields.Object("error")) {
    const Fields error(*object);
    outcome.error.emplace();
    error.Get("type", outcome.error->type);
    error.Get("message", outcome.error->message);
    error.Get("stack", outcome.error->stack);
  }
  return outcome;
}

}  // namespace

std::string OutcomeJson(const Outcome& outcome) { return json::serialize(OutcomeObject(outcome)); }

Result<Outcome> ParseOutcomeJson(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const Fields fields, Fields::Parse(text));
  return ReadOutcome(fields);
}

std::string StoredJobJson(const Job& job) {
  json::object object{{"id", job.id},
                      {"function", job.function},
                      {"version", job.version},
                      {"event_key", job.event_key},
                      {"idempotency_key", job.idempotency_key},
                      {"tenant", job.tenant},
                      {"retry_of", job.retry_of},
                      {"created", Millis(job.created)},
                      {"state", Number(job.state)},
                      {"attempt", job.attempt},
                      {"lost", job.lost},
                      {"crashes", job.crashes},
                      {"revision", job.revision},
                      {"worker", job.worker},
                      {"not_before", Millis(job.not_before)},
                      {"started", Millis(job.started)},
                      {"finished", Millis(job.finished)},
                      {"due", Millis(job.due)},
                      {"progress", job.progress},
                      {"result_key", job.result_key},
                      {"result_size", job.result_size},
                      {"files", job.files},
                      {"files_key", job.files_key},
                      {"dead_letter", job.dead_letter}};
  AddRetry(job.retry, object);
  if (job.outcome) object["outcome"] = OutcomeObject(*job.outcome);
  return json::serialize(object);
}

Result<Job> ParseStoredJobJson(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const Fields fields, Fields::Parse(text));
  Job job;
  fields.Get("id", job.id);
  fields.Get("function", job.function);
  fields.Get("version", job.version);
  fields.Get("event_key", job.event_key);
  fields.Get("idempotency_key", job.idempotency_key);
  fields.Get("tenant", job.tenant);
  ReadRetry(fields, job.retry);
  fields.Get("retry_of", job.retry_of);
  fields.Get("created", job.created);
  fields.Get("state", job.state);
  fields.Get("attempt", job.attempt);
  fields.Get("lost", job.lost);
  fields.Get("crashes", job.crashes);
  fields.Get("revision", job.revision);
  fields.Get("worker", job.worker);
  fields.Get("not_before", job.not_before);
  fields.Get("started", job.started);
  fields.Get("finished", job.finished);
  fields.Get("due", job.due);
  fields.Get("progress", job.progress);
  fields.Get("result_key", job.result_key);
  fields.Get("result_size", job.result_size);
  fields.Get("files", job.files);
  fields.Get("files_key", job.files_key);
  fields.Get("dead_letter", job.dead_letter);
  if (const json::object* outcome = fields.Object("outcome")) {
    job.outcome = ReadOutcome(Fields(*outcome));
  }
  return job;
}

std::string FunctionVersionJson(const FunctionVersion& version) {
  json::object env;
  for (const auto& [name, value] : version.env) env[name] = value;
  json::object object{{"name", version.name},
                      {"number", version.number},
                      {"code_digest", version.code_digest},
                      {"runtime", version.runtime},
                      {"handler", version.handler},
                      {"env", std::move(env)},
                      {"limits", LimitsObject(version.limits)},
                      {"network", Number(version.grants.network)},
                      {"concurrency", version.concurrency},
                      {"fresh", version.fresh},
                      {"per_tenant", version.per_tenant},
                      {"sandbox", version.sandbox},
                      {"image", version.image},
                      {"root", version.root},
                      {"artifact_digest", version.artifact_digest},
                      {"created", version.created.time_since_epoch().count()}};
  AddRetry(version.retry, object);
  return json::serialize(object);
}

Result<FunctionVersion> ParseFunctionVersionJson(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const Fields fields, Fields::Parse(text));
  FunctionVersion version;
  fields.Get("name", version.name);
  fields.Get("number", version.number);
  fields.Get("code_digest", version.code_digest);
  fields.Get("runtime", version.runtime);
  fields.Get("handler", version.handler);
  if (const json::object* env = fields.Object("env")) {
    const Fields values(*env);
    for (const auto& entry : *env) values.Get(entry.key_c_str(), version.env[entry.key_c_str()]);
  }
  if (const json::object* limits = fields.Object("limits")) {
    version.limits = ReadLimits(Fields(*limits));
  }
  fields.Get("network", version.grants.network);
  fields.Get("concurrency", version.concurrency);
  fields.Get("fresh", version.fresh);
  fields.Get("per_tenant", version.per_tenant);
  ReadRetry(fields, version.retry);
  fields.Get("sandbox", version.sandbox);
  fields.Get("image", version.image);
  fields.Get("root", version.root);
  fields.Get("artifact_digest", version.artifact_digest);
  int64_t created = 0;
  fields.Get("created", created);
  version.created = SystemTime(std::chrono::milliseconds(created));
  return version;
}

}  // namespace nanogrid
