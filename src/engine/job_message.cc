#include "engine/job_message.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "core/errors.h"
#include "core/names.h"
#include "nanogrid/records_json.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

// Escapes make a text up to six times as long; base64 by a third only.
constexpr size_t kMaxEscaped = 100 << 10;

int64_t Milliseconds(SystemTime time) { return time.time_since_epoch().count(); }

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

void AddText(json::object& object, std::string_view name, std::string_view text) {
  if (!text.empty()) object[View(name)] = View(text);
}

// `name`, or `name`_base64 for what is not text or would grow too much.
void AddBytes(json::object& object, const std::string& name, std::string_view bytes) {
  if (IsUtf8(bytes)) {
    const json::value text = View(bytes);
    if (json::serialize(text).size() <= kMaxEscaped) {
      object[name] = text;
      return;
    }
  }
  object[name + "_base64"] = absl::Base64Escape({bytes.data(), bytes.size()});
}

json::object Retry(const RetryPolicy& retry) {
  return {{"max_attempts", retry.max_attempts},
          {"backoff", FormatDuration(retry.backoff)},
          {"max_backoff", FormatDuration(retry.max_backoff)},
          {"max_age", FormatDuration(retry.max_age)}};
}

json::object JobObject(const Job& job) {
  json::object object{
      {"job_id", job.id}, {"function_id", job.function}, {"code", std::to_string(job.version)}};
  if (job.event_key.empty()) AddBytes(object, "event_text", job.event);
  AddText(object, "event_key", job.event_key);
  AddText(object, "idempotency_key", job.idempotency_key);
  AddText(object, "tenant", job.tenant);
  AddText(object, "retry_of", job.retry_of);
  if (job.retry != RetryPolicy{}) object["retry"] = Retry(job.retry);
  object["created"] = Milliseconds(job.created);
  return object;
}

// Reads members; remembers the first that is not what it should be.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  std::string Text(std::string_view name) {
    const json::value* const value = object_.if_contains(View(name));
    if (value == nullptr) return {};
    if (const json::string* const text = value->if_string()) return std::string(*text);
    Fail(name, "a string");
    return {};
  }
  std::optional<std::string> Bytes(const std::string& name) {
    if (object_.contains(name)) return Text(name);
    const std::string coded = Text(name + "_base64");
    if (coded.empty()) return std::nullopt;
    std::string bytes;
    if (!absl::Base64Unescape(coded, &bytes)) Fail(name + "_base64", "base64");
    return bytes;
  }
  std::optional<SystemTime> Time(std::string_view name) {
    const json::value* const value = object_.if_contains(View(name));
    if (value == nullptr) return std::nullopt;
    if (value->is_int64()) return SystemTime(std::chrono::milliseconds(value->get_int64()));
    Fail(name, "milliseconds since 1970");
    return std::nullopt;
  }
  void Retry(RetryPolicy& retry) {
    const json::value* const value = object_.if_contains("retry");
    if (value == nullptr) return;
    if (!value->is_object()) return Fail("retry", "an object");
    for (const auto& [name, setting] : value->get_object()) {
      const std::string text =
          setting.is_string() ? std::string(setting.get_string()) : json::serialize(setting);
      status_.Update(ApplyRetrySetting(retry, std::string_view(name.data(), name.size()), text));
    }
  }
  const json::value* Any(std::string_view name) const { return object_.if_contains(View(name)); }
  const Status& status() const { return status_; }

 private:
  void Fail(std::string_view name, std::string_view wanted) {
    status_.Update(InvalidArgument("\"{}\" of the message is not {}", name, wanted));
  }

  const json::object& object_;
  Status status_;
};

}  // namespace

Message JobMessage(const Job& job, SystemTime now) {
  const Duration delay = job.not_before - std::min(now, job.not_before);
  return {.body = json::serialize(JobObject(job)), .delay = std::min(delay, Queue::kMaxDelay)};
}

Result<JobNotice> ReadJobMessage(std::string_view body) {
  json::error_code error;
  const json::value message = json::parse(View(body), error);
  const json::object* const object = error ? nullptr : message.if_object();
  if (object == nullptr || !object->contains("job_id")) {
    return InvalidArgument("a message of {} bytes is no JSON object with a string \"job_id\"",
                           body.size());
  }
  Members members(*object);
  JobNotice notice{.job_id = members.Text("job_id"),
                   .function = members.Text("function_id"),
                   .code = members.Text("code")};
  Job& job = notice.job;
  job.id = notice.job_id;
  job.function = notice.function;
  job.event_key = members.Text("event_key");
  job.idempotency_key = members.Text("idempotency_key");
  job.tenant = members.Text("tenant");
  job.retry_of = members.Text("retry_of");
  job.created = members.Time("created").value_or(SystemTime());
  members.Retry(job.retry);
  if (std::optional<std::string> event = members.Bytes("event_text")) {
    job.event = *std::move(event);
  } else if (job.event_key.empty()) {
    const json::value* const value = members.Any("event");
    job.event = value == nullptr ? "null" : json::serialize(*value);
  }
  NANOGRID_RETURN_IF_ERROR(members.status());
  return notice;
}

Message DeadLetterMessage(const Job& job) {
  json::object object = JobObject(job);
  object["reason"] = job.dead_letter;
  object["attempts"] = job.attempt;
  object["failed_at"] = Milliseconds(job.finished);
  return {.body = json::serialize(object)};
}

Message DeadLetterMessage(std::string_view body, const Status& why) {
  json::object object;
  AddText(object, "reason", std::string(why.message()));
  // What cannot be shown whole is shown in part.
  AddBytes(object, "message", body.substr(0, Queue::kMaxBody / 2));
  return {.body = json::serialize(object)};
}

}  // namespace nanogrid
