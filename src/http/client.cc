#include "http/client.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include "core/errors.h"
#include "http/client_socket.h"
#include "http/response_parser.h"
#include "http/target.h"

namespace nanogrid {
namespace {

struct ServerUrl {
  std::string host{};  // without brackets
  std::string port = "80";
  std::string authority{};  // as in Host
  std::string prefix{};     // of paths; no slash at its end
};

Result<ServerUrl> ParseServerUrl(std::string_view text) {
  if (text.starts_with("https://")) {
    return MakeError(absl::StatusCode::kUnimplemented,
                     "server '{}': https is not in this build; use http:// to a proxy or a tunnel "
                     "on this machine",
                     text);
  }
  const auto wrong = [text] {
    return InvalidArgument("server '{}': must be http://host[:port][/path]", text);
  };
  const Result<HttpTarget> target = ParseTarget(text);
  if (!text.starts_with("http://") || !target.ok() || !target->query.empty()) return wrong();
  ServerUrl url{.authority = target->authority};
  std::string_view host = url.authority;
  if (host.find('@') != host.npos) {
    return InvalidArgument("server: a URL must not hold a user or password; use a token");
  }
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == host.npos) return wrong();
  if (const size_t colon = host.find(':', bracket); colon != host.npos) {
    url.port = host.substr(colon + 1);
    host = host.substr(0, colon);
    uint16_t number = 0;
    const char* const last = url.port.data() + url.port.size();
    const auto [end, error] = std::from_chars(url.port.data(), last, number);
    if (error != std::errc() || end != last || number == 0) return wrong();
  }
  if (bracket > 0) host = host.substr(1, bracket - 1);
  if (host.empty()) return wrong();
  url.host = host;
  const size_t path = std::min(text.find('/', std::string_view("http://").size()), text.size());
  url.prefix = text.substr(path);
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  return url;
}

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
    if (socket_ && socket_->Stale()) socket_.reset();
    if (!socket_) {
      NANOGRID_ASSIGN_OR_RETURN(socket_, Connect(context));
    }
    Result<HttpResponse> response = Exchange(context, request, on_body);
    if (!response.ok()) socket_.reset();
    return response;
  }

 private:
  Result<ClientSocket> Connect(const Context& context) const {
    if (options_.socket.empty()) {
      return ClientSocket::Connect(context, url_.host, url_.port, options_.connect_timeout);
    }
    return ClientSocket::ConnectUnix(context, options_.socket, options_.connect_timeout);
  }

  std::string HeadOf(const HttpRequest& request) const {
    std::string head = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", request.method, url_.prefix,
                                   request.target, url_.authority);
    const auto out = std::back_inserter(head);
    if (!options_.token.empty())
      fmt::format_to(out, "Authorization: Bearer {}\r\n", options_.token);
    for (const auto& [name, value] : request.headers)
      fmt::format_to(out, "{}: {}\r\n", name, value);
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
      fmt::format_to(out, "Content-Length: {}\r\n", request.body.size());
    }
    return head += "\r\n";
  }

  Result<HttpResponse> Exchange(const Context& context, const HttpRequest& request,
                                const OnBody& on_body) {
    for (const auto& [name, value] : request.headers) {
      if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return InvalidArgument("header {}: must not hold a line break", name);
      }
    }
    Status sent = socket_->Send(context, HeadOf(request), options_.silence_timeout);
    if (sent.ok()) sent = socket_->Send(context, request.body, options_.silence_timeout);
    // A server that refuses a large body may have answered and closed: its answer says why.
    if (!sent.ok() && !absl::IsUnavailable(sent)) return sent;
    Result<HttpResponse> response = ReadResponse(context, request.method == "HEAD", on_body);
    if (!sent.ok()) socket_.reset();
    return response.ok() || sent.ok() ? response : sent;
  }

  Result<HttpResponse> ReadResponse(const Context& context, bool to_head, const OnBody& on_body) {
    ResponseParser parser(on_body, to_head);
    std::string input;
    std::array<char, 64 << 10> buffer;
    while (!parser.done()) {
      NANOGRID_ASSIGN_OR_RETURN(
          const size_t got,
          socket_->Receive(context, buffer.data(), buffer.size(), options_.silence_timeout));
      if (got == 0) {
        if (Status end = parser.FeedEnd(); !end.ok()) return end;
        socket_.reset();
        return std::move(parser.response());
      }
      input.append(buffer.data(), got);
      NANOGRID_ASSIGN_OR_RETURN(const size_t taken, parser.Feed(input));
      input.erase(0, taken);
    }
    if (!parser.keep_alive() || !input.empty()) socket_.reset();
    return std::move(parser.response());
  }

  const HttpClientOptions options_;
  const ServerUrl url_;
  std::optional<ClientSocket> socket_{};
};

}  // namespace

Result<std::unique_ptr<HttpClient>> MakeHttpClient(HttpClientOptions options) {
  NANOGRID_ASSIGN_OR_RETURN(ServerUrl url, ParseServerUrl(options.server));
  if (options.token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-._~+/=!#$%&'*^`|:;,?@()[]{}<>\"\\") !=
      std::string::npos) {
    return InvalidArgument("token: must be visible ASCII characters");
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
