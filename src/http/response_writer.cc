#include "http/response_writer.h"

#include <fmt/format.h>

#include <ctime>
#include <iterator>

namespace nanogrid {
namespace {

// RFC 9110, section 5.6.7; the same for a whole second.
std::string_view DateNow() {
  thread_local std::time_t second = 0;
  thread_local char text[32] = "";
  if (const std::time_t now = std::time(nullptr); now != second) {
    second = now;
    std::tm utc = {};
    gmtime_r(&now, &utc);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  }
  return text;
}

void AppendFields(std::string& out, const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    (out += name) += ": ";
    for (const char c : value) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
    out += "\r\n";
  }
}

}  // namespace

void AppendHead(std::string& out, const HttpResponse& response, const ResponseFraming& framing) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 ReasonPhrase(response.status), DateNow());
  AppendFields(out, response.headers);
  out += "X-Content-Type-Options: nosniff\r\n";
  if (framing.close) out += "Connection: close\r\n";
  if (framing.body == ResponseFraming::Body::kChunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (framing.body == ResponseFraming::Body::kLength && response.status != 204) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", framing.length);
  }
  out += "\r\n";
}

void AppendChunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
  (out += piece) += "\r\n";
}

void AppendLastChunk(std::string& out, const HttpHeaders& trailers) {
  out += "0\r\n";
  AppendFields(out, trailers);
  out += "\r\n";
}

}  // namespace nanogrid
