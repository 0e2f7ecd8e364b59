#include "aws/s3/bucket.h"

#include <utility>

#include "core/errors.h"
#include "core/sha256.h"

namespace nanogrid::aws {
namespace {

void AddWriteOptions(const S3WriteOptions& options, HttpRequest& request) {
  request.headers.Add(kS3WriteHeader, options.write_id);
}

std::string UploadQuery(std::string_view upload) { return "?uploadId=" + PercentEncode(upload); }

// What a write may be told because of an attempt before it, whose answer was lost.
bool MayBeOwnFault(const Status& status, bool if_absent) {
  const int code = FailureHttpStatus(status);
  return (if_absent && (code == 409 || code == 412)) || FailureCode(status) == "NoSuchUpload";
}

}  // namespace

Result<HttpHeaders> S3Bucket::Head(const Context& context, std::string_view name) {
  NANOGRID_ASSIGN_OR_RETURN(
      HttpResponse response,
      client_->Send(context, "HeadObject", {.method = "HEAD", .target = TargetOf(name)}));
  return std::move(response.headers);
}

Result<HttpHeaders> S3Bucket::Get(const Context& context, std::string_view name, uint64_t offset,
                                  std::string_view etag, const HttpClient::OnBody& on_body) {
  HttpRequest request{.target = TargetOf(name)};
  if (offset > 0) request.headers.Add("Range", fmt::format("bytes={}-", offset));
  if (!etag.empty()) request.headers.Add("If-Match", fmt::format("\"{}\"", etag));
  NANOGRID_ASSIGN_OR_RETURN(HttpResponse response,
                            client_->Stream(context, "GetObject", request, {}, on_body));
  return std::move(response.headers);
}

Result<std::string> S3Bucket::Put(const Context& context, std::string_view name,
                                  std::string content, const S3WriteOptions& options) {
  const std::string hash = Sha256Hex(content);
  HttpRequest request{.method = "PUT", .target = TargetOf(name), .body = std::move(content)};
  request.headers.Add("Content-Type", "application/octet-stream");
  request.headers.Add(kS3HashHeader, hash);
  AddWriteOptions(options, request);
  if (options.if_absent) request.headers.Add("If-None-Match", "*");
  const Result<HttpResponse> response =
      client_->Send(context, "PutObject", request, {.payload_hash = hash});
  if (response.ok()) return ParseS3Etag(response->headers);
  NANOGRID_RETURN_IF_ERROR(Judge(context, name, options, response.status()));
  NANOGRID_ASSIGN_OR_RETURN(const HttpHeaders headers, Head(context, name));
  return ParseS3Etag(headers);
}

Status S3Bucket::Delete(const Context& context, std::string_view name) {
  const Status status =
      client_->Send(context, "DeleteObject", {.method = "DELETE", .target = TargetOf(name)})
          .status();
  return FailureCode(status) == "NoSuchKey" ? absl::OkStatus() : status;
}

Result<S3Listing> S3Bucket::List(const Context& context, const S3ListRequest& request) {
  const std::string path = path_.empty() ? "/" : path_;
  NANOGRID_ASSIGN_OR_RETURN(
      const HttpResponse response,
      client_->Send(context, "ListObjectsV2", {.target = path + S3ListQuery(request)}));
  return ParseS3Listing(response.body);
}

Result<std::string> S3Bucket::BeginUpload(const Context& context, std::string_view name,
                                          const S3WriteOptions& options) {
  HttpRequest request{.method = "POST", .target = TargetOf(name) + "?uploads="};
  request.headers.Add("Content-Type", "application/octet-stream");
  AddWriteOptions(options, request);
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response,
                            client_->Send(context, "CreateMultipartUpload", request));
  return ParseUploadId(response.body);
}

Result<std::string> S3Bucket::PutPart(const Context& context, std::string_view name,
                                      std::string_view upload, size_t number, std::string content) {
  const HttpRequest request{.method = "PUT",
                            .target = fmt::format("{}?partNumber={}&uploadId={}", TargetOf(name),
                                                  number, PercentEncode(upload)),
                            .body = std::move(content)};
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response,
                            client_->Send(context, "UploadPart", request));
  std::string etag = ParseS3Etag(response.headers);
  if (etag.empty()) return Internal("s3: a part must have an ETag");
  return etag;
}

Status S3Bucket::CompleteUpload(const Context& context, std::string_view name,
                                std::string_view upload, const std::vector<std::string>& etags,
                                const S3WriteOptions& options) {
  HttpRequest request{.method = "POST",
                      .target = TargetOf(name) + UploadQuery(upload),
                      .body = CompleteUploadXml(etags)};
  request.headers.Add("Content-Type", "application/xml");
  if (options.if_absent) request.headers.Add("If-None-Match", "*");
  const Result<HttpResponse> response = client_->Send(context, "CompleteMultipartUpload", request);
  if (!response.ok()) return Judge(context, name, options, response.status());
  NANOGRID_ASSIGN_OR_RETURN(const std::string error, ParseCompletionError(response->body));
  if (error.empty()) return absl::OkStatus();
  return Unavailable("s3 CompleteMultipartUpload: {}", error);
}

Status S3Bucket::AbortUpload(const Context& context, std::string_view name,
                             std::string_view upload) {
  return client_
      ->Send(context, "AbortMultipartUpload",
             {.method = "DELETE", .target = TargetOf(name) + UploadQuery(upload)})
      .status();
}

Status S3Bucket::Judge(const Context& context, std::string_view name, const S3WriteOptions& options,
                       Status error) {
  if (!MayBeOwnFault(error, options.if_absent)) return error;
  const Result<HttpHeaders> there = Head(context, name);
  if (there.ok()) {
    if (there->Get(kS3WriteHeader) == options.write_id) return absl::OkStatus();
    if (!options.if_absent) return error;
    return MakeError(absl::StatusCode::kAlreadyExists, "object '{}' exists already", name);
  }
  if (!options.if_absent) return error;
  if (!absl::IsNotFound(there.status())) return there.status();
  return MakeError(absl::StatusCode::kAborted, "object '{}': somebody else is changing it", name);
}

}  // namespace nanogrid::aws
