// A request from its bytes, however they are cut. No I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace nanogrid {

// Why a request cannot be understood.
struct HttpProtocolError {
  int status = 400;
  std::string message{};
};

// One request. What is ambiguous is refused, so that nobody in between reads it differently: both
// Content-Length and Transfer-Encoding, repeated ones, codings other than chunked, none or several
// Hosts.
class RequestParser {
 public:
  enum class State { kHeader, kBody, kDone, kFailed };

  explicit RequestParser(size_t max_header);
  ~RequestParser();

  // Takes bytes and answers how many; give the rest again with what follows. Takes less than what
  // makes sense only where the state changes. Nothing more once it is kDone or kFailed.
  size_t Feed(std::string_view bytes);

  State state() const;
  // From kBody on without its body, complete at kDone.
  HttpRequest& request();
  // From kBody on; none: chunked.
  std::optional<uint64_t> content_length() const;
  bool keep_alive() const;
  bool expects_continue() const;
  // At kFailed.
  const HttpProtocolError& error() const;

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace nanogrid
