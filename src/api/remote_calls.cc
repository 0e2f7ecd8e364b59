#include "api/remote_calls.h"

#include "core/errors.h"
#include "nanogrid/records_json.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxIdle = 16;
constexpr size_t kMaxError = 64 << 10;

bool Succeeded(const HttpResponse& response) {
  return response.status >= 200 && response.status < 300;
}

// What a server says that is no NanoGrid, or a proxy before one, is told by its status.
Status ErrorOf(const HttpResponse& response, std::string_view body) {
  Status error = ParseError(body);
  if (!absl::IsUnknown(error)) return error;
  return Unavailable("the server answered {} {}", response.status, ReasonPhrase(response.status));
}

}  // namespace

std::string RemoteTarget(std::initializer_list<std::string_view> segments,
                         const RemoteQuery& query) {
  std::string target = "/v1";
  for (const std::string_view segment : segments) target += "/" + PercentEncode(segment);
  char separator = '?';
  for (const auto& [name, value] : query) {
    target += std::exchange(separator, '&') + PercentEncode(name) + "=" + PercentEncode(value);
  }
  return target;
}

// A connection for one call. After an error the client connects anew, so it can always be kept.
class RemoteCalls::Borrowed {
 public:
  static Result<Borrowed> From(RemoteCalls& calls) {
    {
      const std::lock_guard lock(calls.mutex_);
      if (!calls.idle_.empty()) {
        Borrowed borrowed(calls, std::move(calls.idle_.back()));
        calls.idle_.pop_back();
        return borrowed;
      }
    }
    NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> client, MakeHttpClient(calls.options_));
    return Borrowed(calls, std::move(client));
  }
  Borrowed(Borrowed&&) = default;
  Borrowed& operator=(Borrowed&&) = delete;
  ~Borrowed() {
    if (client_ == nullptr) return;
    const std::lock_guard lock(calls_->mutex_);
    if (calls_->idle_.size() < kMaxIdle) calls_->idle_.push_back(std::move(client_));
  }

  HttpClient* operator->() const { return client_.get(); }

 private:
  Borrowed(RemoteCalls& calls, std::unique_ptr<HttpClient> client)
      : calls_(&calls), client_(std::move(client)) {}

  RemoteCalls* calls_;
  std::unique_ptr<HttpClient> client_;
};

Result<HttpResponse> RemoteCalls::Send(const Context& context, const HttpRequest& request) {
  NANOGRID_ASSIGN_OR_RETURN(const Borrowed client, Borrowed::From(*this));
  NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, client->Send(context, request));
  if (!Succeeded(response)) return ErrorOf(response, response.body);
  return response;
}

Status RemoteCalls::Stream(const Context& context, const HttpRequest& request,
                           const HttpClient::OnBody& on_body) {
  NANOGRID_ASSIGN_OR_RETURN(const Borrowed client, Borrowed::From(*this));
  std::string error;
  NANOGRID_ASSIGN_OR_RETURN(
      const HttpResponse response,
      client->Stream(context, request,
                     [&](const HttpResponse& head, std::string_view piece) -> Status {
                       if (Succeeded(head)) return on_body(head, piece);
                       error += piece.substr(0, kMaxError - std::min(kMaxError, error.size()));
                       return absl::OkStatus();
                     }));
  return Succeeded(response) ? absl::OkStatus() : ErrorOf(response, error);
}

}  // namespace nanogrid
