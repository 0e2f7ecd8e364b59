// A small blocking HTTP/1.1 client, over TCP, TLS or a UNIX socket: no redirects, no cookies.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"
#include "nanogrid/context.h"

namespace nanogrid {

class TlsContext;

struct HttpClientOptions {
  std::string server{};  // "http[s]://host[:port][/prefix]"; port 80 or 443 if none is given
  std::string socket{};  // a UNIX socket's path: connects there, whatever host and port are
  // https: whom to trust instead of the system's store, in a PEM file. Or ready made, so that many
  // clients share it.
  std::string ca_file{};
  std::shared_ptr<const TlsContext> tls{};
  std::string token{};  // sent as "Authorization: Bearer …", unless empty
  Duration connect_timeout = std::chrono::seconds(10);  // also for the TLS handshake
  // No byte from the server for so long: Unavailable. The controller sends something every 15 s
  // while a client waits, unless the function's result is not JSON.
  Duration silence_timeout = Duration::max();
  uint64_t max_body = 1ull << 30;  // bytes of a body that is answered whole
};

// One connection, opened when it is needed, kept between requests and opened again when the server
// has closed it: a request that met its end there is sent once more, if it may be (HttpRequest::
// repeatable) or the server cannot have seen it. Not thread-safe; make one per thread, or a pool
// (pool.h).
//
// Errors are those of getting an answer: Unavailable (cannot connect, connection lost: nothing is
// known about what the server did, unless NothingSent says so), Cancelled and DeadlineExceeded (the
// context ended), ResourceExhausted (max_body), FailedPrecondition (the server's certificate),
// Internal (not HTTP), and what the request's source says. Any status that the server answers is
// an answer, also 404 and 500. After an error the next request connects anew.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Content-Length, Host and Authorization are added; request.version is ignored.
  virtual Result<HttpResponse> Send(const Context& context, const HttpRequest& request) = 0;

  // The same with the body in pieces, as they come: `on_body` sees the response's status and
  // headers and one piece; an error that it answers ends the exchange and is passed on. The
  // answered response has no body but has the trailers.
  using OnBody = std::function<Status(const HttpResponse& head, std::string_view piece)>;
  virtual Result<HttpResponse> Stream(const Context& context, const HttpRequest& request,
                                      const OnBody& on_body) = 0;

  // Whether it holds a connection for the next request.
  virtual bool connected() const = 0;
  // How many connections it has opened.
  virtual uint64_t connections() const = 0;
};

// Whether a client's error means that the server has seen nothing of the request, so that it may
// be repeated whatever it is.
bool NothingSent(const Status& error);

// InvalidArgument names what is wrong with the URL or the CA file.
Result<std::unique_ptr<HttpClient>> MakeHttpClient(HttpClientOptions options);

// `text` for a path segment or a query value: everything but unreserved characters as %XX.
std::string PercentEncode(std::string_view text);

}  // namespace nanogrid
