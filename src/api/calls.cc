#include "api/calls.h"

#include <fmt/format.h>

#include <algorithm>

#include <boost/json.hpp>

#include "api/answers.h"
#include "api/function_code.h"
#include "api/query.h"
#include "core/errors.h"
#include "http/spool.h"
#include "nanogrid/records_json.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

constexpr uint64_t kMaxPage = 1000;
constexpr uint64_t kDefaultPage = 100;
constexpr size_t kLogStep = 256 << 10;
constexpr char kBytes[] = "application/octet-stream";

json::string Json(std::string_view text) { return json::string(text.data(), text.size()); }

// {"jobs": […], "cursor": "…" or null}
template <typename Range, typename ToJson>
HttpResponse PageAnswer(std::string_view name, const Range& range, const std::string& cursor,
                        ToJson to_json) {
  std::string text = fmt::format("{{\"{}\":[", name);
  for (const auto& each : range) {
    if (text.back() != '[') text += ',';
    text += to_json(each);
  }
  text += "],\"cursor\":";
  text += json::serialize(cursor.empty() ? json::value(nullptr) : json::value(Json(cursor)));
  return JsonAnswer(text += '}');
}

std::string_view NameOf(JobState state) { return ToString(state); }

}  // namespace

HttpResponse Calls::Answer(ApiCall& call) {
  const auto answer = [&]() -> Result<HttpResponse> {
    switch (call.route) {
      case Route::kPutFunction:
        return PutFunction(call);
      case Route::kGetFunction:
        return GetFunction(call);
      case Route::kRemoveFunction:
        return RemoveFunction(call);
      case Route::kListFunctions:
      case Route::kListVersions:
        return ListFunctions(call);
      case Route::kSubmit:
        return Submit(call);
      case Route::kListJobs:
        return ListJobs(call);
      case Route::kGetJob:
      case Route::kCancel:
      case Route::kRetry:
        return JobCall(call);
      case Route::kResult:
        return GetResult(call);
      case Route::kFiles:
        return ListFiles(call);
      case Route::kFile:
        return GetFile(call);
      case Route::kLogs:
        return GetLogs(call);
      default:
        return Internal("{} is answered elsewhere", call.request.target);
    }
  };
  Result<HttpResponse> response = answer();
  return response.ok() ? *std::move(response) : ErrorAnswer(response.status());
}

Result<HttpResponse> Calls::PutFunction(ApiCall& call) {
  NANOGRID_ASSIGN_OR_RETURN(const FunctionSpec spec,
                            ReadFunction(call.parameter, call.request, call.target));
  NANOGRID_ASSIGN_OR_RETURN(const FunctionVersion version,
                            controller_.engine().Register(context(), spec));
  return JsonAnswer(FunctionJson(version));
}

Result<HttpResponse> Calls::GetFunction(ApiCall& call) {
  Query query(call.target);
  NANOGRID_ASSIGN_OR_RETURN(std::string qualifier, query.Text("qualifier"));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  if (qualifier.empty()) qualifier = kLatest;
  NANOGRID_ASSIGN_OR_RETURN(const FunctionVersion version,
                            controller_.engine().Get(context(), call.parameter, qualifier));
  return JsonAnswer(FunctionJson(version));
}

// One that is not there is an error: who misspelt its name would think it is gone.
Result<HttpResponse> Calls::RemoveFunction(ApiCall& call) {
  NANOGRID_RETURN_IF_ERROR(Query(call.target).Finish());
  NANOGRID_RETURN_IF_ERROR(controller_.engine().Get(context(), call.parameter).status());
  NANOGRID_RETURN_IF_ERROR(controller_.engine().Remove(context(), call.parameter));
  return HttpResponse{.status = 204};
}

Result<HttpResponse> Calls::ListFunctions(ApiCall& call) {
  Query query(call.target);
  NANOGRID_ASSIGN_OR_RETURN(const std::string cursor, query.Text("cursor"));
  NANOGRID_ASSIGN_OR_RETURN(const uint64_t limit, query.Number("limit", 1, kMaxPage, kDefaultPage));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  Engine& engine = controller_.engine();
  NANOGRID_ASSIGN_OR_RETURN(const FunctionPage page,
                            call.route == Route::kListFunctions
                                ? engine.List(context(), cursor, limit)
                                : engine.ListVersions(context(), call.parameter, cursor, limit));
  return PageAnswer("functions", page.functions, page.cursor, FunctionJson);
}

Result<SubmitRequest> Calls::ReadSubmit(ApiCall& call, Query& query) {
  SubmitRequest submit{.function = call.parameter};
  NANOGRID_ASSIGN_OR_RETURN(std::string qualifier, query.Text("qualifier"));
  if (!qualifier.empty()) submit.qualifier = std::move(qualifier);
  submit.idempotency_key = call.request.headers.Get("Idempotency-Key");
  if (call.request.headers.Count("Idempotency-Key") > 1) {
    return InvalidArgument("idempotency_key: given twice");
  }
  submit.tenant = call.request.headers.Get("NanoGrid-Tenant");
  if (call.request.headers.Count("NanoGrid-Tenant") > 1) {
    return InvalidArgument("tenant: given twice");
  }
  NANOGRID_ASSIGN_OR_RETURN(const std::optional<Duration> delay, query.Time("delay"));
  submit.delay = delay.value_or(Duration::zero());
  for (const char* const name : {"max_attempts", "backoff", "max_backoff", "max_age"}) {
    NANOGRID_ASSIGN_OR_RETURN(const std::string value, query.Text(name));
    if (!value.empty()) NANOGRID_RETURN_IF_ERROR(ApplyRetrySetting(submit.retry, name, value));
  }
  NANOGRID_RETURN_IF_ERROR(ValidateRetry(submit.retry.AppliedTo({})));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  submit.event = std::exchange(call.request.body, {});
  if (submit.event.empty()) {
    // Nothing is null, except for programs that read no JSON.
    NANOGRID_ASSIGN_OR_RETURN(
        const FunctionVersion version,
        controller_.engine().Get(context(), submit.function, submit.qualifier));
    if (version.runtime != "exec") submit.event = "null";
  }
  return submit;
}

Result<HttpResponse> Calls::Submit(ApiCall& call) {
  Query query(call.target);
  NANOGRID_ASSIGN_OR_RETURN(const SubmitRequest submit, ReadSubmit(call, query));
  NANOGRID_ASSIGN_OR_RETURN(const Job job, controller_.Submit(context(), submit));
  HttpResponse response = JsonAnswer(JobJson(job), 202);
  response.headers.Add("Location", "/v1/jobs/" + job.id);
  return response;
}

Result<HttpResponse> Calls::ListJobs(ApiCall& call) {
  Query query(call.target);
  JobFilter filter;
  NANOGRID_ASSIGN_OR_RETURN(filter.function, query.Text("function"));
  NANOGRID_ASSIGN_OR_RETURN(const std::string status, query.Text("status"));
  if (!status.empty()) {
    NANOGRID_ASSIGN_OR_RETURN(filter.state, ParseJobState(status));
  }
  NANOGRID_ASSIGN_OR_RETURN(const std::string cursor, query.Text("cursor"));
  NANOGRID_ASSIGN_OR_RETURN(const uint64_t limit, query.Number("limit", 1, kMaxPage, kDefaultPage));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  NANOGRID_ASSIGN_OR_RETURN(const JobPage page,
                            controller_.ListJobs(context(), filter, cursor, limit));
  return PageAnswer("jobs", page.jobs, page.cursor, JobJson);
}

Result<HttpResponse> Calls::JobCall(ApiCall& call) {
  NANOGRID_RETURN_IF_ERROR(Query(call.target).Finish());
  const bool retry = call.route == Route::kRetry;
  NANOGRID_ASSIGN_OR_RETURN(const Job job, retry ? controller_.Retry(context(), call.parameter)
                                           : call.route == Route::kCancel
                                               ? controller_.Cancel(context(), call.parameter)
                                               : controller_.GetJob(context(), call.parameter));
  HttpResponse response = JsonAnswer(JobJson(job), retry ? 202 : 200);
  if (retry) response.headers.Add("Location", "/v1/jobs/" + job.id);
  return response;
}

Result<HttpResponse> Calls::GetResult(ApiCall& call) {
  NANOGRID_RETURN_IF_ERROR(Query(call.target).Finish());
  NANOGRID_ASSIGN_OR_RETURN(const Job job, controller_.GetJob(context(), call.parameter));
  if (job.state != JobState::kSuccess) {
    return FailedPrecondition("job {} is {}: only a SUCCESS has a result", job.id,
                              NameOf(job.state));
  }
  return ReadResult(job);
}

Result<HttpResponse> Calls::ListFiles(ApiCall& call) {
  Query query(call.target);
  NANOGRID_ASSIGN_OR_RETURN(const std::string cursor, query.Text("cursor"));
  NANOGRID_ASSIGN_OR_RETURN(const uint64_t limit, query.Number("limit", 1, kMaxPage, kDefaultPage));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  NANOGRID_ASSIGN_OR_RETURN(const ObjectPage page,
                            controller_.ListFiles(context(), call.parameter, cursor, limit));
  return PageAnswer("files", page.objects, page.cursor, [](const ObjectInfo& file) {
    return FileJson({.path = file.key, .size = file.size});
  });
}

Result<HttpResponse> Calls::GetFile(ApiCall& call) {
  Query query(call.target);
  NANOGRID_ASSIGN_OR_RETURN(const std::string path, query.Text("path"));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  if (path.empty()) return InvalidArgument("path: missing");
  HttpResponse response;
  response.headers.Add("Content-Type", kBytes);
  Spool spool(options_.spool_dir, spool_);
  NANOGRID_RETURN_IF_ERROR(controller_.ReadFile(context(), call.parameter, path, spool));
  NANOGRID_RETURN_IF_ERROR(spool.MoveTo(response));
  return response;
}

Result<HttpResponse> Calls::ReadResult(const Job& job) {
  HttpResponse response;
  const bool is_json = !job.outcome || job.outcome->result_is_json;
  response.headers.Add("Content-Type", is_json ? "application/json" : kBytes);
  Spool spool(options_.spool_dir, spool_);
  NANOGRID_RETURN_IF_ERROR(controller_.ReadResult(context(), job.id, spool));
  NANOGRID_RETURN_IF_ERROR(spool.MoveTo(response));
  return response;
}

HttpResponse Calls::ResultOf(const Job& job) {
  HttpResponse response;
  if (job.state == JobState::kSuccess) {
    Result<HttpResponse> result = ReadResult(job);
    if (!result.ok()) {
      response = ErrorAnswer(result.status());
      response.headers.Add("NanoGrid-Status", "ERROR");
      return response;
    }
    response = *std::move(result);
  } else {
    const FunctionError error =
        job.outcome && job.outcome->error
            ? *job.outcome->error
            : FunctionError{
                  .type = std::string(NameOf(job.state)),
                  .message = job.dead_letter.empty() ? "the job was cancelled" : job.dead_letter};
    response = JsonAnswer(
        json::serialize(json::object{{"error", json::object{{"type", Json(error.type)},
                                                            {"message", Json(error.message)},
                                                            {"stack", Json(error.stack)}}}}));
    const Ending ending = job.outcome ? job.outcome->ending : Ending::kCancelled;
    response.headers.Add("NanoGrid-Error", std::string(ToString(ending)));
  }
  response.headers.Add("NanoGrid-Status", std::string(NameOf(job.state)));
  return response;
}

// All of it, or from `offset` at most `limit` bytes.
Result<HttpResponse> Calls::GetLogs(ApiCall& call) {
  Query query(call.target);
  NANOGRID_RETURN_IF_ERROR(query.Flag("follow").status());
  NANOGRID_ASSIGN_OR_RETURN(uint64_t offset, query.Number("offset", 0, UINT64_MAX, 0));
  NANOGRID_ASSIGN_OR_RETURN(uint64_t left, query.Number("limit", 1, UINT64_MAX, UINT64_MAX));
  NANOGRID_RETURN_IF_ERROR(query.Finish());
  HttpResponse response = TextAnswer("");
  Spool spool(options_.spool_dir, spool_);
  while (left > 0) {
    NANOGRID_ASSIGN_OR_RETURN(
        const LogChunk chunk,
        controller_.ReadLog(context(), call.parameter, offset,
                            static_cast<size_t>(std::min<uint64_t>(kLogStep, left))));
    if (chunk.bytes.empty()) break;
    NANOGRID_RETURN_IF_ERROR(spool.Write(chunk.bytes));
    left -= std::min<uint64_t>(left, chunk.bytes.size());
    offset = chunk.next;
  }
  NANOGRID_RETURN_IF_ERROR(spool.MoveTo(response));
  return response;
}

}  // namespace nanogrid
