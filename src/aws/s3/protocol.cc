#include "aws/s3/protocol.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>
#include <utility>

#include "aws/xml.h"
#include "core/errors.h"
#include "http/client.h"
#include "nanogrid/records_json.h"

namespace nanogrid::aws {
namespace {

std::optional<uint64_t> ParseSize(std::string_view text) {
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return size;
}

// S3 keeps whole seconds; others say more in listings than in headers.
Result<SystemTime> ParseListTime(std::string_view text) {
  const size_t second = std::string_view("2026-02-28T09:30:00").size();
  if (text.size() < second) return Internal("s3: '{}' is no time", text);
  return ParseTime(std::string(text.substr(0, second)) + ".000Z");
}

Result<SystemTime> ParseHeaderTime(const std::string& text) {
  std::tm parts = {};
  const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return Internal("s3: Last-Modified '{}' is no time", text);
  return SystemTime(std::chrono::seconds(::timegm(&parts)));
}

std::string Unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As forms are: '+' is a space.
Result<std::string> UrlDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : HexDigit(text[i + 2]);
    if (low < 0) return Internal("s3: a listed key is not encoded as it says");
    decoded += static_cast<char>(16 * high + low);
    i += 2;
  }
  return decoded;
}

}  // namespace

S3Place PlaceBucket(const Endpoint& endpoint, std::string_view bucket, bool path_style) {
  if (path_style || bucket.find('.') != bucket.npos) {
    return {.endpoint = endpoint.server + endpoint.path, .path = "/" + std::string(bucket)};
  }
  const size_t host = endpoint.server.find("://") + 3;
  return {.endpoint = fmt::format("{}{}.{}{}", endpoint.server.substr(0, host), bucket,
                                  endpoint.server.substr(host), endpoint.path)};
}

Status CheckBucketName(std::string_view bucket) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  const auto end = [](char c) { return c != '-' && c != '.'; };
  if (bucket.size() >= 3 && bucket.size() <= 63 &&
      std::all_of(bucket.begin(), bucket.end(), allowed) && end(bucket.front()) &&
      end(bucket.back()) && bucket.find("..") == bucket.npos) {
    return absl::OkStatus();
  }
  return InvalidArgument(
      "bucket '{}': must be 3 to 63 lower-case letters, digits, '-', '.' and '_'", bucket);
}

std::string S3ObjectPath(std::string_view name) {
  std::string path;
  while (true) {
    const size_t slash = std::min(name.find('/'), name.size());
    path += "/" + PercentEncode(name.substr(0, slash));
    if (slash == name.size()) return path;
    name.remove_prefix(slash + 1);
  }
}

std::string S3ListQuery(const S3ListRequest& request) {
  std::string query = fmt::format("?list-type=2&encoding-type=url&max-keys={}",
                                  std::min<size_t>(request.limit, 1000));
  if (!request.prefix.empty()) query += "&prefix=" + PercentEncode(request.prefix);
  if (!request.token.empty()) {
    query += "&continuation-token=" + PercentEncode(request.token);
  } else if (!request.after.empty()) {
    query += "&start-after=" + PercentEncode(request.after);
  }
  return query;
}

Result<S3Listing> ParseS3Listing(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const XmlElement root, ParseXml(text));
  if (root.name != "ListBucketResult") return Internal("s3: <{}> is no listing", root.name);
  const bool encoded = root.Text("EncodingType") == "url";
  S3Listing listing;
  for (const XmlElement& child : root.children) {
    if (child.name != "Contents") continue;
    ObjectInfo object{.key = std::string(child.Text("Key")), .etag = Unquoted(child.Text("ETag"))};
    if (encoded) {
      NANOGRID_ASSIGN_OR_RETURN(object.key, UrlDecode(object.key));
    }
    const auto size = ParseSize(child.Text("Size"));
    if (object.key.empty() || !size) return Internal("s3: a listed object has no key or size");
    object.size = *size;
    NANOGRID_ASSIGN_OR_RETURN(object.modified, ParseListTime(child.Text("LastModified")));
    listing.objects.push_back(std::move(object));
  }
  if (root.Text("IsTruncated") == "true") listing.token = root.Text("NextContinuationToken");
  if (root.Text("IsTruncated") == "true" && listing.token.empty()) {
    return Internal("s3: a listing goes on, and does not say where");
  }
  return listing;
}

Result<ObjectInfo> ParseS3Head(std::string_view name, const HttpHeaders& headers) {
  ObjectInfo object{.key = std::string(name), .etag = ParseS3Etag(headers)};
  const auto size = ParseSize(headers.Get("Content-Length"));
  if (!size || object.etag.empty()) return Internal("s3: an object must have a size and an ETag");
  object.size = *size;
  NANOGRID_ASSIGN_OR_RETURN(object.modified,
                            ParseHeaderTime(std::string(headers.Get("Last-Modified"))));
  return object;
}

std::string ParseS3Etag(const HttpHeaders& headers) { return Unquoted(headers.Get("ETag")); }

Result<std::string> ParseUploadId(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const XmlElement root, ParseXml(text));
  std::string id(root.Text("UploadId"));
  if (id.empty()) return Internal("s3: <{}> has no UploadId", root.name);
  return id;
}

std::string CompleteUploadXml(const std::vector<std::string>& etags) {
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < etags.size(); ++i) {
    xml += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", i + 1,
                       EscapeXml(etags[i]));
  }
  return xml + "</CompleteMultipartUpload>";
}

Result<std::string> ParseCompletionError(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const XmlElement root, ParseXml(text));
  if (root.name.starts_with("CompleteMultipartUpload")) return std::string();
  if (root.name != "Error") return Internal("s3: <{}> is no end of an upload", root.name);
  std::string code(root.Text("Code"));
  return code.empty() ? "UnknownError" : code;
}

}  // namespace nanogrid::aws
