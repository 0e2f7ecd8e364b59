// A response from its bytes, however they are cut. No I/O.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "http/message.h"
#include "nanogrid/status.h"

namespace nanogrid {

class ResponseParser {
 public:
  using OnBody = std::function<Status(const HttpResponse& head, std::string_view piece)>;

  // `on_body` outlives the parser's use. `to_head`: the response has no body whatever it says.
  ResponseParser(OnBody on_body, bool to_head);
  ~ResponseParser();

  // Takes bytes and answers how many; give the rest again with what follows. Internal: not HTTP; or
  // the error of on_body.
  Result<size_t> Feed(std::string_view bytes);
  // The server has closed. OK if that ends the response.
  Status FeedEnd();

  bool done() const;
  bool keep_alive() const;
  // Headers once they are there, trailers once it is done.
  HttpResponse& response();

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace nanogrid
