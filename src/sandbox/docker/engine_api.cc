#include "sandbox/docker/engine_api.h"

#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/errors.h"

namespace nanogrid::docker {
namespace {

namespace json = boost::json;

constexpr char kDefaultSocket[] = "/var/run/docker.sock";
constexpr uint64_t kMaxAnswer = 8u << 20;
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxIdle = 8;        // connections kept
constexpr size_t kMaxMessage = 2000;  // of the engine's words in an error
constexpr Duration kRemovalTime = std::chrono::seconds(30);
// An engine under load takes its time for a start; none at all means that it hangs.
constexpr Duration kSilence = std::chrono::seconds(60);

// 1.41 (Docker 20.10) is the first with private cgroup namespaces; the newest that this was
// written for bounds what is asked of newer ones.
constexpr int kMinMinor = 41;
constexpr int kMaxMinor = 43;

// The NN of "1.NN".
std::optional<int> MinorOf(std::string_view version) {
  if (!version.starts_with("1.")) return std::nullopt;
  version.remove_prefix(2);
  int minor = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), minor);
  if (error != std::errc() || end != version.data() + version.size()) return std::nullopt;
  return minor;
}

Result<json::value> ParseJson(std::string_view text, std::string_view who) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return Internal("{}: answered what is not JSON: {}", who, error.message());
  return value;
}

// One line of what the engine said, fit for a terminal.
std::string MessageOf(std::string_view body) {
  std::string message(body);
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  const json::value value = json::parse({body.data(), body.size()}, error, {}, options);
  if (const json::object* const object = error ? nullptr : value.if_object()) {
    const json::value* const said = object->if_contains("message");
    if (said != nullptr && said->is_string()) message = said->get_string().c_str();
  }
  message.resize(std::min(message.size(), kMaxMessage));
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (message.ends_with(' ')) message.pop_back();
  return message;
}

absl::StatusCode CodeOf(int status) {
  switch (status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 401:
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAborted;
    case 503:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

Result<EngineAddress> ParseEngineAddress(std::string_view host) {
  std::string_view name = "engine";
  if (host.empty()) {
    const char* const given = ::getenv("DOCKER_HOST");
    if (given == nullptr || given[0] == '\0') return EngineAddress{.socket = kDefaultSocket};
    host = given;
    name = "DOCKER_HOST";
  }
  constexpr std::string_view kUnix = "unix://", kTcp = "tcp://";
  if (host.starts_with(kUnix) && host.size() > kUnix.size() && host[kUnix.size()] == '/') {
    return EngineAddress{.socket = std::string(host.substr(kUnix.size()))};
  }
  if (host.starts_with(kTcp)) {
    const std::string_view authority = host.substr(kTcp.size());
    // Code reaches its container through this machine's directories.
    for (const std::string_view here : {"127.0.0.1:", "localhost:", "[::1]:"}) {
      if (!authority.starts_with(here)) continue;
      EngineAddress address{.server = std::string("http://").append(authority)};
      NANOGRID_RETURN_IF_ERROR(MakeHttpClient({.server = address.server}).status());
      return address;
    }
  }
  return InvalidArgument(
      "{} '{}': must be unix:///path, or tcp://127.0.0.1:port: an engine on this machine", name,
      host);
}

std::string EngineApi::Describe() const {
  if (!address_.ok()) return "the Docker engine";
  return "the Docker engine at " + (address_->socket.empty() ? address_->server : address_->socket);
}

Result<HttpResponse> EngineApi::Send(const Context& context, const HttpRequest& request) {
  NANOGRID_RETURN_IF_ERROR(address_.status());
  std::unique_ptr<HttpClient> client;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      client = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!client) {
    HttpClientOptions options{
        .server = address_->socket.empty() ? address_->server : "http://docker",
        .socket = address_->socket,
        .silence_timeout = kSilence,
        .max_body = kMaxAnswer};
    NANOGRID_ASSIGN_OR_RETURN(client, MakeHttpClient(std::move(options)));
  }
  Result<HttpResponse> response = client->Send(context, request);
  if (!response.ok()) {
    const Status& status = response.status();
    return Status(status.code(), fmt::format("{}: {}", Describe(), std::string(status.message())));
  }
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(client));
  return response;
}

Result<EngineVersion> EngineApi::Negotiate(const Context& context) {
  {
    const std::lock_guard lock(mutex_);
    if (!version_.api.empty()) return version_;
  }
  NANOGRID_ASSIGN_OR_RETURN(const HttpResponse response, Send(context, {.target = "/version"}));
  if (response.status != 200) {
    return MakeError(CodeOf(response.status), "{}: {}", Describe(), MessageOf(response.body));
  }
  NANOGRID_ASSIGN_OR_RETURN(const json::value answer, ParseJson(response.body, Describe()));
  const json::object* const object = answer.if_object();
  const auto text = [&](const char* name) -> std::string {
    const json::value* const value = object != nullptr ? object->if_contains(name) : nullptr;
    return value != nullptr && value->is_string() ? MessageOf(value->get_string().c_str()) : "";
  };
  const std::optional<int> newest = MinorOf(text("ApiVersion"));
  const std::optional<int> oldest = MinorOf(text("MinAPIVersion"));
  if (!newest) {
    return FailedPrecondition("{}: its version '{}' is none that this build knows", Describe(),
                              text("ApiVersion"));
  }
  if (*newest < kMinMinor || oldest.value_or(0) > kMaxMinor) {
    return FailedPrecondition(
        "{}: it speaks versions 1.{} to 1.{} of its API, this build 1.{} to 1.{} (Docker 20.10 and "
        "newer)",
        Describe(), oldest.value_or(0), *newest, kMinMinor, kMaxMinor);
  }
  if (text("Os") != "linux" || text("Arch") != "amd64") {
    return FailedPrecondition("{}: it runs on {}/{}, linux/amd64 is needed", Describe(), text("Os"),
                              text("Arch"));
  }
  EngineVersion version{.api = fmt::format("1.{}", std::min(*newest, kMaxMinor)),
                        .engine = text("Version")};
  const std::lock_guard lock(mutex_);
  return version_ = std::move(version);
}

Result<std::string> EngineApi::Call(const Context& context, std::string method,
                                    const std::string& path, const std::string& body) {
  NANOGRID_ASSIGN_OR_RETURN(const EngineVersion version, Negotiate(context));
  HttpRequest request{.method = std::move(method),
                      .target = fmt::format("/v{}{}", version.api, path),
                      .body = body};
  if (!body.empty()) request.headers.Add("Content-Type", "application/json");
  NANOGRID_ASSIGN_OR_RETURN(HttpResponse response, Send(context, request));
  // 304: it is so already.
  if (response.status / 100 == 2 || response.status == 304) return std::move(response.body);
  return MakeError(CodeOf(response.status), "{}: {} (status {})", Describe(),
                   MessageOf(response.body), response.status);
}

Result<json::object> EngineApi::Get(const Context& context, const std::string& path) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, Call(context, "GET", path, {}));
  NANOGRID_ASSIGN_OR_RETURN(json::value value, ParseJson(text, Describe()));
  if (!value.is_object()) return Internal("{}: answered no JSON object", Describe());
  return std::move(value.get_object());
}

Result<json::array> EngineApi::GetList(const Context& context, const std::string& path) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, Call(context, "GET", path, {}));
  NANOGRID_ASSIGN_OR_RETURN(json::value value, ParseJson(text, Describe()));
  if (!value.is_array()) return Internal("{}: answered no JSON array", Describe());
  return std::move(value.get_array());
}

Result<json::object> EngineApi::Post(const Context& context, const std::string& path,
                                     const std::string& body) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, Call(context, "POST", path, body));
  if (text.find_first_not_of(" \r\n") == std::string::npos) return json::object();
  NANOGRID_ASSIGN_OR_RETURN(json::value value, ParseJson(text, Describe()));
  if (!value.is_object()) return Internal("{}: answered no JSON object", Describe());
  return std::move(value.get_object());
}

Status EngineApi::Delete(const Context& context, const std::string& path) {
  return Call(context, "DELETE", path, {}).status();
}

void EngineApi::Remove(const std::string& container) {
  std::vector<std::string> removing;
  {
    const std::lock_guard lock(mutex_);
    removing.swap(unremoved_);
  }
  removing.push_back(container);
  // Also for callers whose own time is over.
  const Context context = Context::WithTimeout(kRemovalTime);
  std::erase_if(removing, [&](const std::string& name) {
    const Status removed = Delete(context, "/containers/" + name + "?force=1&v=1");
    return removed.ok() || absl::IsNotFound(removed);
  });
  const std::lock_guard lock(mutex_);
  unremoved_.insert(unremoved_.end(), removing.begin(), removing.end());
}

}  // namespace nanogrid::docker
