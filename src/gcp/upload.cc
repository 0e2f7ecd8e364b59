#include "gcp/upload.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/errors.h"
#include "core/request_id.h"

namespace nanogrid::gcp {
namespace {

class ViewSource final : public Source {
 public:
  explicit ViewSource(std::string_view rest) : rest_(rest) {}
  Result<size_t> Read(std::span<char> buffer) override {
    const size_t size = std::min(buffer.size(), rest_.size());
    if (size > 0) std::memcpy(buffer.data(), rest_.data(), size);
    rest_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view rest_;
};

Status AlreadyExists(const UploadTo& to) {
  return MakeError(absl::StatusCode::kAlreadyExists, "object '{}' exists already", to.object);
}

// Whether the object that is there is what this very write has put there, unheard.
Result<RemoteObject> OwnOrExists(const Context& context, Calls& calls, const UploadTo& to,
                                 std::string_view write_id) {
  NANOGRID_ASSIGN_OR_RETURN(const Answer answer,
                            calls.Send(context, {.target = ObjectTarget(to.bucket, to.object)}));
  if (answer.response.status == 200) {
    NANOGRID_ASSIGN_OR_RETURN(RemoteObject there, ParseRemoteObject(answer.response.body));
    if (there.write_id == write_id) return there;
  }
  return AlreadyExists(to);
}

}  // namespace

Result<RemoteObject> UploadWhole(const Context& context, Calls& calls, const UploadTo& to,
                                 std::string_view content) {
  Crc32c crc;
  crc.Update(content);
  const std::string write_id = MakeRequestId();
  const std::string boundary = "nanogrid-" + MakeRequestId();
  const HttpRequest request{
      .method = "POST",
      .target = UploadTarget(to.bucket, "multipart", to.object, to.if_absent),
      .headers = {{"Content-Type", "multipart/related; boundary=" + boundary}},
      .body = MultipartBody(boundary, ObjectMetadata(to.object, write_id, crc.Text()), content)};
  NANOGRID_ASSIGN_OR_RETURN(const Answer answer, calls.Send(context, request));
  if (answer.response.status == 412 && to.if_absent) {
    if (!answer.repeated_blindly) return AlreadyExists(to);
    return OwnOrExists(context, calls, to, write_id);
  }
  if (answer.response.status / 100 != 2) return RefusalStatus("write", answer.response);
  return ParseRemoteObject(answer.response.body);
}

Result<ResumableUpload> ResumableUpload::Begin(const Context& context, Calls& calls,
                                               const UploadTo& to) {
  const HttpRequest request{.method = "POST",
                            .target = UploadTarget(to.bucket, "resumable", to.object, to.if_absent),
                            .headers = {{"Content-Type", "application/json; charset=UTF-8"},
                                        {"X-Upload-Content-Type", "application/octet-stream"}},
                            .body = ObjectMetadata(to.object, MakeRequestId(), {})};
  NANOGRID_ASSIGN_OR_RETURN(const Answer answer, calls.Send(context, request));
  if (answer.response.status == 412 && to.if_absent) return AlreadyExists(to);
  if (answer.response.status / 100 != 2) return RefusalStatus("begin upload", answer.response);
  NANOGRID_ASSIGN_OR_RETURN(std::string target,
                            TargetOfUrl(answer.response.headers.Get("Location")));
  return ResumableUpload(calls, std::move(target));
}

HttpRequest ResumableUpload::MakeRequest(uint64_t from, uint64_t to, bool last) const {
  const std::string total = last ? std::to_string(to) : "*";
  HttpRequest request{.method = "PUT", .target = target_};
  request.headers.Add("Content-Range", from < to
                                           ? fmt::format("bytes {}-{}/{}", from, to - 1, total)
                                           : fmt::format("bytes */{}", total));
  if (last) request.headers.Add("X-Goog-Hash", "crc32c=" + crc_.Text());
  return request;
}

Result<std::optional<RemoteObject>> ResumableUpload::Send(const Context& context,
                                                          std::string_view piece, bool last) {
  crc_.Update(piece);
  const uint64_t end = offset_ + piece.size();
  uint64_t kept = offset_;  // the server has so much
  bool unsure = false;      // it is to be asked
  Attempts attempts(calls_.options());
  while (true) {
    HttpRequest request = MakeRequest(unsure ? end : kept, end, last);
    ViewSource rest(unsure ? std::string_view() : piece.substr(kept - offset_));
    request.source = &rest;
    request.source_size = unsure ? 0 : end - kept;
    const Result<HttpResponse> response = calls_.SendOnce(context, request);
    if (response.ok() && response->status / 100 == 2) {
      NANOGRID_ASSIGN_OR_RETURN(RemoteObject object, ParseRemoteObject(response->body));
      return std::optional<RemoteObject>(std::move(object));
    }
    Status failed = response.status();
    if (response.ok() && response->status == 308) {
      NANOGRID_ASSIGN_OR_RETURN(const uint64_t now, ParseKept(response->headers));
      if (now < offset_ || now > end) {
        return MakeError(absl::StatusCode::kDataLoss,
                         "gs write: the server has {} bytes of an upload of {} to {}", now, offset_,
                         end);
      }
      if (now == end && !last) {
        offset_ = end;
        return std::optional<RemoteObject>();
      }
      if (now > kept) attempts.Reset();
      kept = now;
      unsure = false;
      failed = Unavailable("gs write: the server does not take the rest of the upload");
    } else if (response.ok()) {
      failed = RefusalStatus("write", *response);
      if (!IsTransient(response->status)) return failed;
      unsure = true;
    } else {
      if (!absl::IsUnavailable(failed)) return failed;
      unsure = true;
    }
    NANOGRID_RETURN_IF_ERROR(
        attempts.Next(context, std::move(failed), response.ok() ? &*response : nullptr));
  }
}

Status ResumableUpload::Add(const Context& context, std::string_view piece) {
  NANOGRID_ASSIGN_OR_RETURN(const auto object, Send(context, piece, false));
  if (object) return Internal("gs write: the server has ended an upload that goes on");
  return absl::OkStatus();
}

Result<RemoteObject> ResumableUpload::Finish(const Context& context, std::string_view piece) {
  NANOGRID_ASSIGN_OR_RETURN(auto object, Send(context, piece, true));
  if (!object) return Internal("gs write: the server has not ended the upload");
  if (!object->crc32c.empty() && object->crc32c != crc_.Text()) {
    return MakeError(absl::StatusCode::kDataLoss, "gs write: '{}' did not arrive as it was sent",
                     object->name);
  }
  return *std::move(object);
}

void ResumableUpload::Cancel() {
  const Context context = Context::WithTimeout(std::chrono::seconds(2));
  calls_.SendOnce(context, {.method = "DELETE", .target = target_}).IgnoreError();
}

}  // namespace nanogrid::gcp
