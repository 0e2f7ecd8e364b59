#include "http/response_parser.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "core/errors.h"

namespace nanogrid {
namespace {

namespace http = boost::beast::http;
using Text = boost::beast::string_view;
using Error = boost::beast::error_code;

constexpr uint32_t kMaxHeader = 64 << 10;
constexpr size_t kShortestChunks = 5;  // see request_parser.cc

}  // namespace

struct ResponseParser::Machine final : http::basic_parser<false> {
  Machine(OnBody callback, bool to_head) : on_body(std::move(callback)) {
    header_limit(kMaxHeader);
    body_limit(boost::none);
    skip(to_head);
  }

  void on_request_impl(http::verb, Text, Text, int, Error&) override {}
  void on_response_impl(int code, Text, int, Error&) override { response.status = code; }
  void on_field_impl(http::field, Text name, Text value, Error&) override {
    HttpHeaders& headers = in_body ? response.trailers : response.headers;
    headers.Add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(Error&) override { in_body = true; }
  void on_body_init_impl(const boost::optional<uint64_t>&, Error&) override {}
  size_t on_body_impl(Text body, Error& ec) override { return Pass(body, ec); }
  void on_chunk_header_impl(uint64_t, Text, Error&) override {}
  size_t on_chunk_body_impl(uint64_t, Text body, Error& ec) override { return Pass(body, ec); }
  void on_finish_impl(Error&) override {}

  size_t Pass(Text body, Error& ec) {
    if (!body.empty()) status = on_body(response, {body.data(), body.size()});
    if (!status.ok()) ec = http::error::body_limit;
    return body.size();
  }

  const OnBody on_body;
  HttpResponse response{};
  Status status{};
  bool in_body = false;
};

ResponseParser::ResponseParser(OnBody on_body, bool to_head)
    : machine_(std::make_unique<Machine>(std::move(on_body), to_head)) {}
ResponseParser::~ResponseParser() = default;

Result<size_t> ResponseParser::Feed(std::string_view bytes) {
  size_t taken = 0;
  while (!machine_->is_done() && taken < bytes.size()) {
    if (machine_->in_body && machine_->chunked() && bytes.size() - taken < kShortestChunks) break;
    Error error;
    taken +=
        machine_->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), error);
    NANOGRID_RETURN_IF_ERROR(machine_->status);
    if (error == http::error::need_more && bytes.size() - taken <= kMaxHeader) break;
    if (error) return Internal("the server's answer is not HTTP: {}", error.message());
    // 100 Continue and the like go before the answer.
    if (machine_->is_done() && machine_->response.status / 100 == 1) {
      const OnBody on_body = machine_->on_body;
      machine_ = std::make_unique<Machine>(on_body, false);
    }
  }
  return taken;
}

Status ResponseParser::FeedEnd() {
  Error error = http::error::partial_message;
  if (machine_->got_some()) machine_->put_eof(error);
  if (error) return Unavailable("the server closed the connection in the middle of its answer");
  return absl::OkStatus();
}

bool ResponseParser::done() const { return machine_->is_done(); }
bool ResponseParser::keep_alive() const { return machine_->keep_alive(); }
HttpResponse& ResponseParser::response() { return machine_->response; }

}  // namespace nanogrid
