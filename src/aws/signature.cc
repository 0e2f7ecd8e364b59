#include "aws/signature.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <vector>

#include "core/sha256.h"
#include "http/client.h"

namespace nanogrid::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// Proxies and clients add and change these on the way.
constexpr std::string_view kUnsignedHeaders[] = {"authorization", "connection", "expect",
                                                 "user-agent", "x-amzn-trace-id"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Without white space at the ends, and with one space for each run of it inside.
std::string Trim(std::string_view value) {
  std::string trimmed;
  for (const char c : value) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space) {
      trimmed += c;
    } else if (!trimmed.empty() && trimmed.back() != ' ') {
      trimmed += ' ';
    }
  }
  if (trimmed.ends_with(' ')) trimmed.pop_back();
  return trimmed;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What is no escape stands for itself.
std::string PercentDecode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? HexValue(text[i + 2]) : -1;
    if (low < 0) {
      decoded += text[i];
    } else {
      decoded += static_cast<char>(16 * high + low);
      i += 2;
    }
  }
  return decoded;
}

// Without "." and empty segments, ".." resolved.
std::string NormalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  bool directory = true;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    directory = segment.empty() || segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!directory) segments.push_back(segment);
    begin = end + 1;
  }
  std::string normal;
  for (const std::string_view segment : segments) normal.append("/").append(segment);
  if (directory || normal.empty()) normal += '/';
  return normal;
}

std::string CanonicalPath(const SigningScope& scope, std::string_view path) {
  if (path.empty()) return "/";
  if (scope.s3) return std::string(path);
  std::string canonical;
  const std::string normal = NormalPath(path);
  for (size_t begin = 0; begin < normal.size();) {
    const size_t end = std::min(normal.find('/', begin + 1), normal.size());
    canonical += '/' + PercentEncode(std::string_view(normal).substr(begin + 1, end - begin - 1));
    begin = end;
  }
  return canonical;
}

std::string CanonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) {
      parameters.emplace_back(
          PercentEncode(PercentDecode(pair.substr(0, equals))),
          PercentEncode(PercentDecode(pair.substr(std::min(equals + 1, pair.size())))));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string canonical;
  for (const auto& [name, value] : parameters) {
    if (!canonical.empty()) canonical += '&';
    canonical.append(name).append("=").append(value);
  }
  return canonical;
}

// By lower-case name; values of repeated ones joined in their order.
std::map<std::string, std::string> SignedHeaders(std::string_view host,
                                                 const HttpRequest& request) {
  std::map<std::string, std::string> headers{{"host", Trim(host)}};
  for (const auto& [name, value] : request.headers) {
    const std::string lower = Lower(name);
    if (lower == "host" || std::find(std::begin(kUnsignedHeaders), std::end(kUnsignedHeaders),
                                     lower) != std::end(kUnsignedHeaders)) {
      continue;
    }
    const auto [it, added] = headers.emplace(lower, Trim(value));
    if (!added) it->second += ',' + Trim(value);
  }
  return headers;
}

std::string HeaderNames(const std::map<std::string, std::string>& headers) {
  std::string names;
  for (const auto& [name, value] : headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  // Fails only without memory.
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest,
           &size) == nullptr) {
    std::terminate();
  }
  return {reinterpret_cast<const char*>(digest), size};
}

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

}  // namespace

std::string FormatAmzDate(SystemTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - day).count();
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string CanonicalRequest(const SigningScope& scope, std::string_view host,
                             std::string_view payload_hash, const HttpRequest& request) {
  const std::string_view target = request.target;
  const size_t mark = std::min(target.find('?'), target.size());
  std::string canonical =
      fmt::format("{}\n{}\n{}\n", request.method, CanonicalPath(scope, target.substr(0, mark)),
                  CanonicalQuery(target.substr(std::min(mark + 1, target.size()))));
  const auto headers = SignedHeaders(host, request);
  for (const auto& [name, value] : headers) {
    canonical.append(name).append(1, ':').append(value).append(1, '\n');
  }
  return canonical.append("\n").append(HeaderNames(headers)).append("\n").append(payload_hash);
}

void SignRequest(const SigningScope& scope, const Credentials& credentials, SystemTime now,
                 std::string_view host, std::string_view payload_hash, HttpRequest& request) {
  const std::string time = FormatAmzDate(now);
  const std::string day = time.substr(0, 8);
  request.headers.Add("X-Amz-Date", time);
  if (scope.s3) request.headers.Add("X-Amz-Content-Sha256", std::string(payload_hash));
  if (!credentials.session_token.empty()) {
    request.headers.Add("X-Amz-Security-Token", credentials.session_token);
  }
  const std::string range = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, range,
                  Sha256Hex(CanonicalRequest(scope, host, payload_hash, request)));
  std::string key = HmacSha256("AWS4" + credentials.secret_access_key, day);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = HmacSha256(key, part);
  }
  request.headers.Add(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key_id, range, HeaderNames(SignedHeaders(host, request)),
                  Hex(HmacSha256(key, to_sign))));
}

}  // namespace nanogrid::aws
