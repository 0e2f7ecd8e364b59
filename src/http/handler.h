// What stands between the transport and those who answer: requests in, answers out, now or later.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "nanogrid/context.h"

namespace nanogrid {

// The way back to the client of one request. Thread-safe, except where said; nothing here waits.
// Exactly one of Send and Begin; without either, destroying it answers 500. After the client has
// gone, everything is ignored.
class HttpResponder {
 public:
  using Callback = std::function<void()>;

  virtual ~HttpResponder() = default;

  // The whole answer. After a late head (below): its body, and those of its headers that were
  // announced as trailers.
  virtual void Send(HttpResponse response) = 0;

  // An answer in pieces: the head (its body is ignored), then Write, then End. `heartbeat` is sent
  // whenever there was nothing else for a while.
  virtual void Begin(HttpResponse head, std::string heartbeat) = 0;
  // `sent` is called on the I/O thread, not before the kernel has taken it all; not at all if the
  // client goes first. Write no more before: that is what bounds memory.
  virtual void Write(std::string bytes, Callback sent) = 0;
  virtual void End() = 0;

  // If Send has not come after a heartbeat's time, the head is sent, and heartbeats, until it does.
  // Its "Trailer" header names what Send's headers may add.
  virtual void AllowLateHead(HttpResponse head, std::string heartbeat) = 0;

  // `ended` is called once, on the I/O thread or from here: the answer is out, or the client gone.
  virtual void OnEnd(Callback ended) = 0;
};

struct HttpAdmission {
  std::optional<HttpResponse> refusal{};  // sent at once; the body is not read
  uint64_t max_body = 0;                  // beyond: 413
  int route = -1;                         // for Observe
};

// Called on the I/O thread: must not block.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  // When the header is there, before the body is.
  virtual HttpAdmission Admit(const HttpRequest& head) = 0;
  // `memory` is what the body takes of the server's budget, until it is destroyed.
  virtual void Handle(HttpRequest request, std::shared_ptr<void> memory,
                      std::shared_ptr<HttpResponder> responder) = 0;
  // The body of an answer that the transport itself has to give.
  virtual HttpResponse Refuse(int status, std::string_view message) = 0;
  // A request was answered (or would have been: the client went away), after `took` since its
  // header was complete. route -1: it was none.
  virtual void Observe(int route, const std::string& method, int status, Duration took) = 0;
};

}  // namespace nanogrid
