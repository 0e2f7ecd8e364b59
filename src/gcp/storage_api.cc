#include "gcp/storage_api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "core/errors.h"
#include "core/json.h"
#include "http/client.h"
#include "nanogrid/records_json.h"

namespace nanogrid::gcp {
namespace {

namespace json = boost::json;

std::string TextOf(const json::object& object, const char* name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  const json::string& text = value->get_string();
  return {text.data(), text.size()};
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

Result<json::object> ParseJsonObject(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return Internal("gs: the answer is no JSON object");
  return std::move(value.as_object());
}

// RFC 3339 in UTC, with any number of digits behind the second.
Result<SystemTime> ParseUpdated(std::string text) {
  if (!text.ends_with('Z')) return Internal("gs: '{}' is no time in UTC", text);
  text.pop_back();
  const size_t dot = std::min(text.find('.'), text.size());
  std::string fraction = text.substr(std::min(dot + 1, text.size()));
  fraction.resize(3, '0');
  return ParseTime(text.substr(0, dot) + "." + fraction + "Z");
}

Result<RemoteObject> ReadRemoteObject(const json::object& object) {
  RemoteObject remote{.name = TextOf(object, "name"),
                      .generation = TextOf(object, "generation"),
                      .crc32c = TextOf(object, "crc32c")};
  const auto size = ParseNumber(TextOf(object, "size"));
  if (remote.name.empty() || !size || !ParseNumber(remote.generation)) {
    return Internal("gs: an object must have a 'name', a 'size' and a 'generation'");
  }
  remote.size = *size;
  NANOGRID_ASSIGN_OR_RETURN(remote.updated, ParseUpdated(TextOf(object, "updated")));
  const json::value* const metadata = object.if_contains("metadata");
  if (metadata != nullptr && metadata->is_object()) {
    remote.write_id = TextOf(metadata->get_object(), kWriteIdKey);
  }
  return remote;
}

}  // namespace

std::string ObjectTarget(std::string_view bucket, std::string_view object) {
  std::string target = "/storage/v1/b/" + PercentEncode(bucket) + "/o";
  if (!object.empty()) target += "/" + PercentEncode(object);
  return target;
}

std::string UploadTarget(std::string_view bucket, std::string_view type, std::string_view object,
                         bool if_absent) {
  return fmt::format("/upload/storage/v1/b/{}/o?uploadType={}&name={}{}", PercentEncode(bucket),
                     type, PercentEncode(object), if_absent ? "&ifGenerationMatch=0" : "");
}

std::string ObjectMetadata(std::string_view object, std::string_view write_id,
                           std::string_view crc32c) {
  const auto text = [](std::string_view view) {
    return json::string_view(view.data(), view.size());
  };
  json::object metadata{{"name", text(object)},
                        {"contentType", "application/octet-stream"},
                        {"metadata", {{kWriteIdKey, text(write_id)}}}};
  if (!crc32c.empty()) metadata["crc32c"] = text(crc32c);
  return json::serialize(metadata);
}

std::string MultipartBody(std::string_view boundary, std::string_view metadata,
                          std::string_view content) {
  std::string body = fmt::format(
      "--{}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{}\r\n--{}\r\n"
      "Content-Type: application/octet-stream\r\n\r\n",
      boundary, metadata, boundary);
  const std::string end = fmt::format("\r\n--{}--\r\n", boundary);
  body.reserve(body.size() + content.size() + end.size());
  return body.append(content).append(end);
}

Result<RemoteObject> ParseRemoteObject(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object object, ParseJsonObject(text));
  return ReadRemoteObject(object);
}

Result<ObjectListing> ParseListing(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object object, ParseJsonObject(text));
  ObjectListing listing{.page_token = TextOf(object, "nextPageToken")};
  const json::value* const items = object.if_contains("items");
  if (items == nullptr) return listing;
  if (!items->is_array()) return Internal("gs: 'items' must be a list");
  for (const json::value& item : items->get_array()) {
    if (!item.is_object()) return Internal("gs: 'items' must be objects");
    NANOGRID_ASSIGN_OR_RETURN(RemoteObject remote, ReadRemoteObject(item.get_object()));
    listing.objects.push_back(std::move(remote));
  }
  return listing;
}

Result<uint64_t> ParseKept(const HttpHeaders& headers) {
  const std::string_view range = headers.Get("Range");
  if (range.empty()) return 0;
  constexpr std::string_view kStart = "bytes=0-";
  const auto last = ParseNumber(range.substr(std::min(kStart.size(), range.size())));
  if (!range.starts_with(kStart) || !last || *last == UINT64_MAX) {
    return Internal("gs: the Range '{}' of an upload must be bytes=0-N", range);
  }
  return *last + 1;
}

std::string ParseHash(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (!EqualsIgnoreCase(name, "x-goog-hash")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      while (part.starts_with(' ')) part.remove_prefix(1);
      constexpr std::string_view kCrc32c = "crc32c=";
      if (part.starts_with(kCrc32c)) return std::string(part.substr(kCrc32c.size()));
    }
  }
  return {};
}

std::string ParseErrorMessage(std::string_view body) {
  const Result<json::object> object = ParseJsonObject(body);
  if (!object.ok()) return {};
  const json::value* const error = object->if_contains("error");
  if (error == nullptr || !error->is_object()) return {};
  return TextOf(error->get_object(), "message");
}

Result<std::string> TargetOfUrl(std::string_view url) {
  const size_t scheme = url.find("://");
  if (url.starts_with('/')) return std::string(url);
  const size_t path = scheme == url.npos ? url.npos : url.find('/', scheme + 3);
  if (path == url.npos) return Internal("gs: the upload's Location is no URL");
  return std::string(url.substr(path));
}

bool IsTransient(int http_status) {
  return http_status == 408 || http_status == 429 || (http_status >= 500 && http_status != 501);
}

Status RefusalStatus(std::string_view action, const HttpResponse& response) {
  using Code = absl::StatusCode;
  const int status = response.status;
  Code code = Code::kInternal;
  if (IsTransient(status)) {
    code = status == 429 ? Code::kResourceExhausted : Code::kUnavailable;
  } else if (status == 400 || status == 413 || status == 414) {
    code = Code::kInvalidArgument;
  } else if (status == 401 || status == 403) {
    code = Code::kPermissionDenied;
  } else if (status == 404 || status == 410) {
    code = Code::kNotFound;
  } else if (status == 409 || status == 412) {
    code = Code::kAborted;
  }
  std::string message = ParseErrorMessage(response.body);
  if (message.empty()) message = ReasonPhrase(status);
  return MakeError(code, "gs {}: {} (HTTP {})", action, message, status);
}

}  // namespace nanogrid::gcp
