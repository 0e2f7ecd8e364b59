#include "api/remote_engine.h"

#include <boost/json.hpp>

#include "api/pack_code.h"
#include "core/errors.h"
#include "core/json.h"
#include "nanogrid/records_json.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

// The settings that differ from the defaults, as text.
RemoteQuery SettingsQuery(const FunctionSpec& spec) {
  const FunctionSpec defaults;
  RemoteQuery query;
  const auto add = [&](const char* name, const auto& value, const auto& otherwise, auto&& text) {
    if (value != otherwise) query.emplace_back(name, text(value));
  };
  const auto as_is = [](const std::string& text) { return text; };
  const auto number = [](auto value) { return fmt::format("{}", value); };
  add("runtime", spec.runtime, defaults.runtime, as_is);
  add("handler", spec.handler, defaults.handler, as_is);
  for (const auto& [name, value] : spec.env)
    query.emplace_back("env", fmt::format("{}={}", name, value));
  const Limits& limits = spec.limits;
  add("memory", limits.memory, defaults.limits.memory, number);
  add("cpus", limits.cpus, defaults.limits.cpus, number);
  if (limits.timeout) query.emplace_back("timeout", FormatDuration(*limits.timeout));
  add("tmp_size", limits.tmp_size, defaults.limits.tmp_size, number);
  add("max_processes", limits.max_processes, defaults.limits.max_processes, number);
  add("max_open_files", limits.max_open_files, defaults.limits.max_open_files, number);
  add("max_output", limits.max_output, defaults.limits.max_output, number);
  add("max_files", limits.max_files, defaults.limits.max_files, number);
  add("concurrency", spec.concurrency, defaults.concurrency, number);
  const auto yes_or_no = [](bool value) { return value ? "true" : "false"; };
  add("fresh", spec.fresh, defaults.fresh, yes_or_no);
  add("per_tenant", spec.per_tenant, defaults.per_tenant, yes_or_no);
  const RetryPolicy& retry = spec.retry;
  add("max_attempts", retry.max_attempts, defaults.retry.max_attempts, number);
  add("backoff", retry.backoff, defaults.retry.backoff, FormatDuration);
  add("max_backoff", retry.max_backoff, defaults.retry.max_backoff, FormatDuration);
  add("max_age", retry.max_age, defaults.retry.max_age, FormatDuration);
  add("network", spec.grants.network, defaults.grants.network,
      [](Network network) { return network == Network::kHost ? "host" : "none"; });
  add("sandbox", spec.sandbox, defaults.sandbox, as_is);
  add("image", spec.image, defaults.image, as_is);
  add("root", spec.root, defaults.root, as_is);
  return query;
}

}  // namespace

Result<std::string> ReadRemotePage(std::string_view text, std::string_view name,
                                   const std::function<Status(std::string_view)>& take) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  const json::value page =
      json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  const json::object* const object = error ? nullptr : page.if_object();
  const json::value* const list =
      object != nullptr ? object->if_contains(json::string_view(name.data(), name.size()))
                        : nullptr;
  if (list == nullptr || !list->is_array()) {
    return Unavailable("the server answered what is no page of {}", name);
  }
  for (const json::value& each : list->get_array()) {
    NANOGRID_RETURN_IF_ERROR(take(json::serialize(each)));
  }
  const json::value* const cursor = object->if_contains("cursor");
  if (cursor == nullptr || !cursor->is_string()) return std::string();
  return std::string(cursor->get_string());
}

Result<FunctionVersion> RemoteEngine::Register(const Context& context, const FunctionSpec& spec) {
  NANOGRID_RETURN_IF_ERROR(ValidateSpec(spec));
  HttpRequest request{.method = "PUT",
                      .target = RemoteTarget({"functions", spec.name}, SettingsQuery(spec)),
                      .headers = {{"Content-Type", "application/zip"}}};
  NANOGRID_ASSIGN_OR_RETURN(request.body, PackCode(spec.code, limits_));
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response, calls_.Send(context, request));
  return ParseFunction(response.body);
}

Result<Outcome> RemoteEngine::Invoke(const Context& context, const InvokeRequest& request) {
  HttpRequest post{.method = "POST",
                   .target = RemoteTarget({"functions", request.function, "invoke"},
                                          {{"qualifier", request.qualifier}}),
                   .body = request.event};
  if (!request.tenant.empty()) post.headers.Add("NanoGrid-Tenant", request.tenant);
  NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, calls_.Send(context, post));
  const std::string id(response.headers.Get("NanoGrid-Job-Id"));
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse record,
                            calls_.Send(context, {.target = RemoteTarget({"jobs", id})}));
  NANOGRID_ASSIGN_OR_RETURN(Job job, ParseJob(record.body));
  if (request.log != nullptr) {
    NANOGRID_RETURN_IF_ERROR(calls_.Stream(context, {.target = RemoteTarget({"jobs", id, "logs"})},
                                           [&](const HttpResponse&, std::string_view piece) {
                                             request.log->Write(piece);
                                             return absl::OkStatus();
                                           }));
  }
  if (!job.outcome) return Unavailable("job {} ended without an outcome: {}", id, job.dead_letter);
  if (job.state == JobState::kSuccess) job.outcome->result = std::move(response.body);
  return *std::move(job.outcome);
}

Result<FunctionVersion> RemoteEngine::CheckInvoke(const Context& context, std::string_view function,
                                                  std::string_view qualifier,
                                                  std::string_view event, std::string_view tenant) {
  NANOGRID_ASSIGN_OR_RETURN(FunctionVersion version, Get(context, function, qualifier));
  if (version.per_tenant && tenant.empty()) {
    return InvalidArgument("tenant: missing; function '{}' keeps its tenants apart", function);
  }
  if (version.runtime == "exec") return version;
  const Status json = CheckJson(event);
  if (!json.ok()) return InvalidArgument("event: not JSON: {}", std::string(json.message()));
  return version;
}

Result<FunctionVersion> RemoteEngine::Get(const Context& context, std::string_view function,
                                          std::string_view qualifier) {
  NANOGRID_ASSIGN_OR_RETURN(
      const HttpResponse response,
      calls_.Send(context, {.target = RemoteTarget({"functions", function},
                                                   {{"qualifier", std::string(qualifier)}})}));
  return ParseFunction(response.body);
}

Result<FunctionPage> RemoteEngine::ReadPage(const Context& context, const std::string& target) {
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response, calls_.Send(context, {.target = target}));
  FunctionPage page;
  NANOGRID_ASSIGN_OR_RETURN(page.cursor,
                            ReadRemotePage(response.body, "functions", [&](std::string_view text) {
                              const Result<FunctionVersion> function = ParseFunction(text);
                              if (function.ok()) page.functions.push_back(*function);
                              return function.status();
                            }));
  return page;
}

Result<FunctionPage> RemoteEngine::List(const Context& context, std::string_view cursor,
                                        size_t limit) {
  RemoteQuery query = {{"limit", std::to_string(limit)}};
  if (!cursor.empty()) query.emplace_back("cursor", cursor);
  return ReadPage(context, RemoteTarget({"functions"}, query));
}

Result<FunctionPage> RemoteEngine::ListVersions(const Context& context, std::string_view function,
                                                std::string_view cursor, size_t limit) {
  RemoteQuery query = {{"limit", std::to_string(limit)}};
  if (!cursor.empty()) query.emplace_back("cursor", cursor);
  return ReadPage(context, RemoteTarget({"functions", function, "versions"}, query));
}

// OK also if there is none, as everywhere.
Status RemoteEngine::Remove(const Context& context, std::string_view function) {
  const Status removed =
      calls_.Send(context, {.method = "DELETE", .target = RemoteTarget({"functions", function})})
          .status();
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

}  // namespace nanogrid
