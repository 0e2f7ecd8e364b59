// Who may ask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/message.h"

namespace nanogrid {

// With tokens: who presents one. Without: who is on this machine and no web page. A browser tells
// pages apart by Origin; a page that made its own name point to this machine (DNS rebinding) is
// known by the Host it asks for.
class Access {
 public:
  explicit Access(const std::vector<std::string>& tokens);

  // The answer to who may not. `authority`: that of the request's target, if it has one.
  std::optional<HttpResponse> Check(const HttpRequest& head, const std::string& authority) const;

 private:
  bool IsToken(std::string_view presented) const;

  std::vector<std::string> digests_{};  // the tokens themselves are not kept
};

}  // namespace nanogrid
