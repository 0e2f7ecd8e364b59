#include "http/client.h"

#include <absl/strings/cord.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <vector>

#include "core/errors.h"
#include "http/client_socket.h"
#include "http/response_parser.h"
#include "http/target.h"
#include "http/tls.h"
#include "nanogrid/storage.h"

namespace nanogrid {
namespace {

struct ServerUrl {
  bool tls = false;
  std::string host{};  // without brackets
  std::string port{};
  std::string authority{};  // as in Host
  std::string prefix{};     // of paths; no slash at its end
};

Status ParsePort(std::string_view authority, size_t colon, ServerUrl& url) {
  url.port = authority.substr(colon + 1);
  uint16_t number = 0;
  const char* const last = url.port.data() + url.port.size();
  const auto [end, error] = std::from_chars(url.port.data(), last, number);
  if (error == std::errc() && end == last && number != 0) return absl::OkStatus();
  return InvalidArgument("port '{}'", url.port);
}

Result<ServerUrl> ParseServerUrl(std::string_view text) {
  const auto wrong = [text] {
    return InvalidArgument("server '{}': must be http://host[:port][/path] or https://…", text);
  };
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  const bool tls = text.starts_with(kTls);
  if (!tls && !text.starts_with(kPlain)) return wrong();
  const std::string_view rest = text.substr((tls ? kTls : kPlain).size());
  const Result<HttpTarget> target = ParseTarget(std::string(kPlain) + std::string(rest));
  if (!target.ok() || !target->query.empty()) return wrong();
  ServerUrl url{.tls = tls, .port = tls ? "443" : "80", .authority = target->authority};
  std::string_view host = url.authority;
  if (host.find('@') != host.npos) {
    return InvalidArgument("server: a URL must not hold a user or password; use a token");
  }
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == host.npos) return wrong();
  if (const size_t colon = host.find(':', bracket); colon != host.npos) {
    if (!ParsePort(host, colon, url).ok()) return wrong();
    host = host.substr(0, colon);
  }
  if (bracket > 0) host = host.substr(1, bracket - 1);
  if (host.empty()) return wrong();
  url.host = host;
  url.prefix = rest.substr(std::min(rest.find('/'), rest.size()));
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  return url;
}

constexpr std::string_view kNothingSent = "nanogrid.http/nothing-sent";

Status MarkNothingSent(Status error) {
  error.SetPayload({kNothingSent.data(), kNothingSent.size()}, absl::Cord());
  return error;
}

bool IsIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
}

// What has become of a request.
struct Progress {
  bool sent = false;      // the kernel took at least a part of it
  bool read = false;      // something was read from the source
  bool cut = false;       // the answer came before all was sent
  bool answered = false;  // at least one byte came
};

class Client final : public HttpClient {
 public:
  Client(HttpClientOptions options, ServerUrl url)
      : options_(std::move(options)), url_(std::move(url)) {}

  Result<HttpResponse> Send(const Context& context, const HttpRequest& request) override {
    std::string body;
    const OnBody keep = [&](const HttpResponse&, std::string_view piece) -> Status {
      if (piece.size() > options_.max_body - body.size()) {
        return MakeError(absl::StatusCode::kResourceExhausted,
                         "the server's answer is larger than {} bytes", options_.max_body);
      }
      body += piece;
      return absl::OkStatus();
    };
    Result<HttpResponse> response = Stream(context, request, keep);
    if (response.ok()) response->body = std::move(body);
    return response;
  }

  Result<HttpResponse> Stream(const Context& context, const HttpRequest& request,
                              const OnBody& on_body) override {
    NANOGRID_RETURN_IF_ERROR(CheckRequest(request));
    if (socket_ && socket_->Stale()) socket_.reset();
    while (true) {
      const bool used = socket_.has_value();
      if (!used) {
        if (Status status = Connect(context); !status.ok()) return MarkNothingSent(status);
      }
      Progress progress;
      Result<HttpResponse> response = Exchange(context, request, on_body, progress);
      if (response.ok()) return response;
      const bool ended_by_server = socket_ && socket_->lost() && !progress.answered;
      socket_.reset();
      // Only a connection that was idle before can have ended for a reason that is none of this
      // request's business.
      const bool may_repeat =
          !progress.sent ||
          ((request.repeatable || IsIdempotent(request.method)) && !progress.read);
      if (!used || !ended_by_server || !may_repeat) {
        return progress.sent ? response.status() : MarkNothingSent(response.status());
      }
    }
  }

  bool connected() const override { return socket_.has_value(); }
  uint64_t connections() const override { return connections_; }

 private:
  Status Connect(const Context& context) {
    const Duration timeout = options_.connect_timeout;
    auto socket = options_.socket.empty()
                      ? ClientSocket::Connect(context, url_.host, url_.port, timeout)
                      : ClientSocket::ConnectUnix(context, options_.socket, timeout);
    NANOGRID_RETURN_IF_ERROR(socket.status());
    ++connections_;
    if (url_.tls) {
      NANOGRID_RETURN_IF_ERROR(socket->StartTls(context, *options_.tls, url_.host, timeout));
    }
    socket_.emplace(*std::move(socket));
    return absl::OkStatus();
  }

  static Status CheckRequest(const HttpRequest& request) {
    for (const auto& [name, value] : request.headers) {
      if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return InvalidArgument("header {}: must not hold a line break", name);
      }
    }
    const auto visible = [](char c) { return c > ' ' && c < 0x7F; };
    const std::string line = request.method + request.target;
    if (request.method.empty() || !std::all_of(line.begin(), line.end(), visible)) {
      return InvalidArgument("request '{} {}': must be visible ASCII characters", request.method,
                             request.target);
    }
    if (request.source != nullptr && !request.body.empty()) {
      return InvalidArgument("request: has both a body and a source of one");
    }
    return absl::OkStatus();
  }

  std::string HeadOf(const HttpRequest& request) const {
    std::string head = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", request.method, url_.prefix,
                                   request.target, url_.authority);
    const auto out = std::back_inserter(head);
    if (!options_.token.empty())
      fmt::format_to(out, "Authorization: Bearer {}\r\n", options_.token);
    for (const auto& [name, value] : request.headers)
      fmt::format_to(out, "{}: {}\r\n", name, value);
    const uint64_t size = request.source != nullptr ? request.source_size : request.body.size();
    if (size > 0 || request.method == "POST" || request.method == "PUT") {
      fmt::format_to(out, "Content-Length: {}\r\n", size);
    }
    return head += "\r\n";
  }

  Result<HttpResponse> Exchange(const Context& context, const HttpRequest& request,
                                const OnBody& on_body, Progress& progress) {
    const uint64_t sent_before = socket_->sent();
    Status sent = SendRequest(context, request, progress);
    progress.sent = socket_->sent() > sent_before;
    // A server that refuses a large body may have answered and closed: its answer says why.
    const bool refused = !sent.ok() && socket_->lost() && progress.sent;
    if (!sent.ok() && !refused) return sent;
    Result<HttpResponse> response =
        ReadResponse(context, request.method == "HEAD", on_body, progress);
    if ((refused || progress.cut) && response.ok()) socket_.reset();
    return response.ok() || sent.ok() ? response : sent;
  }

  Status SendRequest(const Context& context, const HttpRequest& request, Progress& progress) {
    // In one piece, if it is small: one system call, one packet.
    std::string head = HeadOf(request);
    const bool together = request.body.size() <= kBuffer;
    if (together) head += request.body;
    NANOGRID_RETURN_IF_ERROR(SendPiece(context, head));
    if (!together) NANOGRID_RETURN_IF_ERROR(SendPiece(context, request.body));
    return request.source == nullptr ? absl::OkStatus() : SendSource(context, request, progress);
  }

  Status SendPiece(const Context& context, std::string_view bytes) {
    while (!bytes.empty()) {
      NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
      const std::string_view piece = bytes.substr(0, kBuffer);
      NANOGRID_RETURN_IF_ERROR(socket_->Send(context, piece, options_.silence_timeout));
      bytes.remove_prefix(piece.size());
    }
    return absl::OkStatus();
  }

  Status SendSource(const Context& context, const HttpRequest& request, Progress& progress) {
    std::vector<char> buffer(kBuffer);
    uint64_t left = request.source_size;
    progress.read = true;
    while (left > 0 && !progress.cut) {
      const std::span<char> room(buffer.data(), std::min<uint64_t>(left, buffer.size()));
      NANOGRID_ASSIGN_OR_RETURN(const size_t size, request.source->Read(room));
      if (size == 0) {
        return InvalidArgument("request body: ended {} bytes before its size of {}", left,
                               request.source_size);
      }
      NANOGRID_RETURN_IF_ERROR(SendPiece(context, {buffer.data(), size}));
      left -= size;
      progress.cut = left > 0 && socket_->Stale();
    }
    return absl::OkStatus();
  }

  Result<HttpResponse> ReadResponse(const Context& context, bool to_head, const OnBody& on_body,
                                    Progress& progress) {
    ResponseParser parser(on_body, to_head);
    std::string rest;  // what the parser has not taken yet
    std::vector<char> buffer(kBuffer);
    while (!parser.done()) {
      NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
      NANOGRID_ASSIGN_OR_RETURN(
          const size_t got,
          socket_->Receive(context, buffer.data(), buffer.size(), options_.silence_timeout));
      if (got == 0) {
        NANOGRID_RETURN_IF_ERROR(parser.FeedEnd());
        socket_.reset();
        return std::move(parser.response());
      }
      progress.answered = true;
      std::string_view input(buffer.data(), got);
      if (!rest.empty()) input = rest.append(input);
      NANOGRID_ASSIGN_OR_RETURN(const size_t taken, parser.Feed(input));
      rest = std::string(input.substr(taken));
    }
    if (!parser.keep_alive() || !rest.empty()) socket_.reset();
    return std::move(parser.response());
  }

  static constexpr size_t kBuffer = 64 << 10;

  const HttpClientOptions options_;
  const ServerUrl url_;
  std::optional<ClientSocket> socket_{};
  uint64_t connections_ = 0;
};

}  // namespace

bool NothingSent(const Status& error) {
  return error.GetPayload({kNothingSent.data(), kNothingSent.size()}).has_value();
}

Result<std::unique_ptr<HttpClient>> MakeHttpClient(HttpClientOptions options) {
  NANOGRID_ASSIGN_OR_RETURN(ServerUrl url, ParseServerUrl(options.server));
  if (options.token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-._~+/=!#$%&'*^`|:;,?@()[]{}<>\"\\") !=
      std::string::npos) {
    return InvalidArgument("token: must be visible ASCII characters");
  }
  if (url.tls && options.tls == nullptr) {
    NANOGRID_ASSIGN_OR_RETURN(options.tls, TlsContext::Make(options.ca_file));
  }
  return std::unique_ptr<HttpClient>(std::make_unique<Client>(std::move(options), std::move(url)));
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') ||
                            std::string_view("-._~").find(c) != std::string_view::npos;
    if (unreserved) {
      encoded += c;
    } else {
      fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace nanogrid
