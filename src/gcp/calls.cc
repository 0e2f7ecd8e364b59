#include "gcp/calls.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/errors.h"
#include "gcp/storage_api.h"

namespace nanogrid::gcp {
namespace {

constexpr size_t kMaxAnswer = 64 << 20;  // a listing of a thousand long names is a few MiB

// "Retry-After: seconds"; bounded, because a server is not to stop a worker.
Duration AskedPause(const HttpResponse& response) {
  const std::string_view text = response.headers.Get("Retry-After");
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc()) return Duration::zero();
  return std::chrono::seconds(std::min(seconds, 60u));
}

}  // namespace

Result<HttpResponse> Calls::StreamOnce(const Context& context, const HttpRequest& request,
                                       const HttpClient::OnBody& on_body) {
  for (bool again = false;; again = true) {
    HttpRequest with_token = request;
    std::string token;
    if (tokens_ != nullptr) {
      NANOGRID_ASSIGN_OR_RETURN(token, tokens_->Get(context));
      with_token.headers.Add("Authorization", "Bearer " + token);
    }
    std::string kept;
    const auto take = [&](const HttpResponse& head, std::string_view piece) -> Status {
      if (on_body != nullptr && head.status / 100 == 2) return on_body(head, piece);
      if (kept.size() + piece.size() > kMaxAnswer) return Internal("gs: the answer is too large");
      kept += piece;
      return absl::OkStatus();
    };
    NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, pool_->Stream(context, with_token, take));
    const bool refused = response.status == 401 && tokens_ != nullptr;
    if (!refused || again || request.source != nullptr) {
      if (refused) tokens_->Reject(token);
      response.body = std::move(kept);
      return response;
    }
    tokens_->Reject(token);
  }
}

Result<HttpResponse> Calls::SendOnce(const Context& context, const HttpRequest& request) {
  return StreamOnce(context, request, nullptr);
}

Result<Answer> Calls::Send(const Context& context, const HttpRequest& request) {
  Answer answer;
  Attempts attempts(options_);
  while (true) {
    Result<HttpResponse> response = SendOnce(context, request);
    if (response.ok() && !IsTransient(response->status)) {
      answer.response = *std::move(response);
      return answer;
    }
    if (!response.ok() && !absl::IsUnavailable(response.status())) return response.status();
    answer.repeated_blindly |= response.ok() || !NothingSent(response.status());
    Status failed = response.ok() ? RefusalStatus("call", *response) : response.status();
    Status next = attempts.Next(context, std::move(failed), response.ok() ? &*response : nullptr);
    if (next.ok()) continue;
    if (!response.ok() || absl::IsCancelled(next) || absl::IsDeadlineExceeded(next)) return next;
    answer.response = *std::move(response);
    return answer;
  }
}

Status Attempts::Next(const Context& context, Status failed, const HttpResponse* response) {
  if (left_ <= 1) return failed;
  --left_;
  return backoff_.WaitNext(context, response != nullptr ? AskedPause(*response) : Duration::zero());
}

void Attempts::Reset() {
  left_ = options_.max_attempts;
  backoff_.Reset();
}

}  // namespace nanogrid::gcp
