// Responses as bytes.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace nanogrid {

// How long the body is, and what follows.
struct ResponseFraming {
  enum class Body { kLength, kChunked, kUntilClose };
  Body body = Body::kLength;
  uint64_t length = 0;  // kLength
  bool close = false;
};

// Status line and header, with Date, the framing's fields and X-Content-Type-Options. What would
// break the header in a value becomes a space.
void AppendHead(std::string& out, const HttpResponse& response, const ResponseFraming& framing);
// Nothing for an empty piece, which would be the end.
void AppendChunk(std::string& out, std::string_view piece);
void AppendLastChunk(std::string& out, const HttpHeaders& trailers);

}  // namespace nanogrid
