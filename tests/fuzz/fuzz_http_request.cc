// Requests and targets: the same is read however the bytes are cut, within bounds, and what is
// accepted is unambiguous.
#include <algorithm>
#include <string>

#include "check.h"
#include "http/request_parser.h"
#include "http/target.h"

namespace {

using nanogrid::RequestParser;
using State = RequestParser::State;

constexpr size_t kMaxHeader = 512;

struct Reading {
  State state = State::kHeader;
  int status = 0;
  std::string method{}, target{}, body{};
  size_t fields = 0;
  size_t rest = 0;

  bool operator==(const Reading&) const = default;
};

Reading Read(std::string_view bytes, size_t piece) {
  RequestParser parser(kMaxHeader);
  std::string pending;
  while (parser.state() != State::kDone && parser.state() != State::kFailed) {
    const State before = parser.state();
    const size_t taken = parser.Feed(pending);
    FUZZ_CHECK(taken <= pending.size());
    pending.erase(0, taken);
    FUZZ_CHECK(parser.state() != State::kHeader || pending.size() <= 2 * kMaxHeader + piece);
    if (parser.state() != before) continue;
    if (bytes.empty()) break;
    pending += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  Reading reading{.state = parser.state()};
  if (reading.state == State::kFailed) {
    reading.status = parser.error().status;
    FUZZ_CHECK(reading.status >= 400 && !parser.error().message.empty());
  }
  if (reading.state == State::kDone) {
    const nanogrid::HttpRequest& request = parser.request();
    reading.method = request.method;
    reading.target = request.target;
    reading.body = request.body;
    reading.fields = request.headers.size();
    reading.rest = pending.size() + bytes.size();
    FUZZ_CHECK(
        request.headers.Count("Content-Length") + request.headers.Count("Transfer-Encoding") <= 1);
    FUZZ_CHECK(request.headers.Count("Host") <= 1);
    FUZZ_CHECK(parser.content_length().value_or(request.body.size()) == request.body.size());
    for (const auto& [name, value] : request.headers) {
      FUZZ_CHECK((name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
    (void)nanogrid::ParseTarget(request.target);
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = Read(bytes, size + 1);
  // A fault may be found later if less of the header is there, but nothing else is ever accepted.
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{64}}) {
    const Reading cut = Read(bytes, piece);
    FUZZ_CHECK((cut.state == State::kDone) == (whole.state == State::kDone));
    FUZZ_CHECK(whole.state != State::kDone || cut == whole);
  }
  const nanogrid::Result<nanogrid::HttpTarget> target = nanogrid::ParseTarget(bytes);
  FUZZ_CHECK(target.ok() || target.status().code() == absl::StatusCode::kInvalidArgument);
  if (target.ok()) {
    for (const std::string& segment : target->segments) {
      FUZZ_CHECK(segment.find('\0') == std::string::npos);
    }
  }
  return 0;
}
