#include "api/answers.h"

#include "nanogrid/records_json.h"

namespace nanogrid {
namespace {

using ErrorCode = absl::StatusCode;

ErrorCode CodeOf(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 408:
      return ErrorCode::kDeadlineExceeded;
    case 429:
      return ErrorCode::kResourceExhausted;
    case 500:
      return ErrorCode::kInternal;
    case 501:
      return ErrorCode::kUnimplemented;
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInvalidArgument;
  }
}

}  // namespace

HttpResponse JsonAnswer(std::string json, int status) {
  json += '\n';
  return {
      .status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(json)};
}

HttpResponse TextAnswer(std::string text, std::string content_type) {
  return {.headers = {{"Content-Type", std::move(content_type)}}, .body = std::move(text)};
}

HttpResponse ErrorAnswer(const Status& error) {
  HttpResponse response = JsonAnswer(ErrorJson(error), HttpStatusOf(error.code()));
  if (response.status == 429 || response.status == 503) response.headers.Add("Retry-After", "1");
  return response;
}

HttpResponse ErrorAnswer(int status, std::string_view message) {
  HttpResponse response = ErrorAnswer(Status(CodeOf(status), std::string(message)));
  response.status = status;
  return response;
}

int HttpStatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
      return 200;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kOutOfRange:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kAborted:
    case ErrorCode::kFailedPrecondition:
      return 409;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kUnimplemented:
      return 501;
    case ErrorCode::kCancelled:  // only by the server's own end
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

}  // namespace nanogrid
