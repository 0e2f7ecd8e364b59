#include "http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace nanogrid {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

using Text = beast::string_view;
using Error = beast::error_code;

constexpr size_t kMaxFields = 100;
constexpr size_t kMaxMethod = 32;
constexpr size_t kMaxChunkHeader = 1024;  // with its extensions, which mean nothing to us

// "0", two line ends: no chunked body ends with less. Beast 1.81 fails an assertion if it is given
// a part of that a second time.
constexpr size_t kShortestChunks = 5;

std::string String(Text text) { return std::string(text.data(), text.size()); }

// Letters, digits and what else a name, an address and a port are written with (RFC 3986, 3.2.2).
bool IsHost(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(".-_:[]%~").find(c) != std::string_view::npos;
  });
}

HttpProtocolError ErrorOf(const Error& error, size_t max_header) {
  if (error == http::error::header_limit) {
    return {431, fmt::format("header: longer than {} bytes", max_header)};
  }
  if (error == http::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return {400, fmt::format("not HTTP: {}", error.message())};
}

}  // namespace

struct RequestParser::Machine final : http::basic_parser<true> {
  explicit Machine(size_t header_bound) : max_header(header_bound) {
    header_limit(static_cast<uint32_t>(max_header));
    body_limit(boost::none);  // the owner's business
  }

  void Fail(int status, std::string message) {
    state = State::kFailed;
    problem = {status, std::move(message)};
  }

  // What Beast leaves open. RFC 9112, sections 3.2, 6.1 and 6.3.
  void CheckHeader() {
    const HttpHeaders& headers = request.headers;
    const size_t hosts = headers.Count("Host");
    if (hosts > 1 || (hosts == 0 && request.version == 11) || !IsHost(headers.Get("Host"))) {
      return Fail(400, "Host: one is needed, a name or an address");
    }
    if (headers.Count("Content-Length") > 1 ||
        headers.Get("Content-Length").find(',') != std::string_view::npos) {
      return Fail(400, "Content-Length: given more than once");
    }
    if (headers.Find("Transfer-Encoding") != nullptr) {
      if (request.version == 10) return Fail(400, "Transfer-Encoding: not in HTTP/1.0");
      if (headers.Count("Transfer-Encoding") > 1 || !chunked()) {
        return Fail(501, "Transfer-Encoding: only chunked is understood");
      }
      if (!EqualsIgnoreCase(headers.Get("Transfer-Encoding"), "chunked")) {
        return Fail(501, "Transfer-Encoding: only chunked is understood");
      }
    }
    const std::string_view expect = headers.Get("Expect");
    if (!expect.empty() && !EqualsIgnoreCase(expect, "100-continue")) {
      return Fail(417, "Expect: only 100-continue can be met");
    }
    state = State::kBody;
  }

  void on_request_impl(http::verb, Text method, Text target, int version, Error& ec) override {
    if (version != 10 && version != 11) {
      ec = http::error::bad_version;
      return;
    }
    if (method.size() > kMaxMethod) {
      ec = http::error::bad_method;
      return;
    }
    request.method = String(method);
    request.target = String(target);
    request.version = version;
  }
  void on_response_impl(int, Text, int, Error&) override {}
  void on_field_impl(http::field, Text name, Text value, Error& ec) override {
    if (in_body) return;  // trailers: nothing here asks for any
    if (request.headers.size() == kMaxFields) {
      ec = http::error::header_limit;
      return;
    }
    request.headers.Add(String(name), String(value));
  }
  void on_header_impl(Error&) override {
    in_body = true;
    CheckHeader();
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, Error&) override {}
  size_t on_body_impl(Text body, Error&) override {
    request.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, Text, Error&) override {}
  size_t on_chunk_body_impl(uint64_t, Text body, Error&) override {
    request.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(Error&) override {}

  const size_t max_header;
  State state = State::kHeader;
  HttpRequest request{};
  HttpProtocolError problem{};
  size_t header_bytes = 0;
  bool in_body = false;
};

RequestParser::RequestParser(size_t max_header) : machine_(std::make_unique<Machine>(max_header)) {}
RequestParser::~RequestParser() = default;

size_t RequestParser::Feed(std::string_view bytes) {
  Machine& machine = *machine_;
  const State before = machine.state;
  size_t taken = 0;
  // Empty lines before a request are skipped (RFC 9112, section 2.2).
  if (before == State::kHeader && machine.header_bytes == 0) {
    while (taken + 1 < bytes.size() && bytes.substr(taken, 2) == "\r\n") taken += 2;
    if (bytes.substr(taken) == "\r") return taken;
  }
  while (machine.state == before && !machine.is_done() && taken < bytes.size()) {
    Error error;
    const size_t rest = bytes.size() - taken;
    if (before == State::kBody && machine.chunked() && rest < kShortestChunks) break;
    const size_t step = machine.put(boost::asio::const_buffer(bytes.data() + taken, rest), error);
    taken += step;
    if (before == State::kHeader) machine.header_bytes += step;
    if (error == http::error::need_more) {
      const size_t left = bytes.size() - taken;
      if (before == State::kHeader && machine.header_bytes + left > machine.max_header) {
        error = http::error::header_limit;
      } else if (before == State::kBody && left > kMaxChunkHeader) {
        error = http::error::bad_chunk_extension;
      } else {
        break;
      }
    }
    if (error) {
      const HttpProtocolError problem = ErrorOf(error, machine.max_header);
      machine.Fail(problem.status, problem.message);
    }
  }
  if (machine.state == State::kBody && before == State::kBody && machine.is_done()) {
    machine.state = State::kDone;
  }
  return taken;
}

RequestParser::State RequestParser::state() const { return machine_->state; }
HttpRequest& RequestParser::request() { return machine_->request; }
std::optional<uint64_t> RequestParser::content_length() const {
  if (machine_->chunked()) return std::nullopt;
  const boost::optional<uint64_t> length = machine_->content_length();
  return length ? *length : 0;
}
bool RequestParser::keep_alive() const {
  return machine_->request.version == 11 && machine_->keep_alive();
}
bool RequestParser::expects_continue() const {
  return machine_->request.version == 11 && machine_->request.headers.Find("Expect") != nullptr;
}
const HttpProtocolError& RequestParser::error() const { return machine_->problem; }

}  // namespace nanogrid
