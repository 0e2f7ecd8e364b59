// A TCP, UNIX or TLS connection with blocking calls that a Context ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/unique_fd.h"
#include "http/tls.h"
#include "nanogrid/context.h"

namespace nanogrid {

// Errors: Unavailable, Cancelled, DeadlineExceeded. `silence`: nothing moved for so long.
class ClientSocket {
 public:
  // With TCP_NODELAY. `timeout` for each of the host's addresses.
  static Result<ClientSocket> Connect(const Context& context, const std::string& host,
                                      const std::string& port, Duration timeout);
  // Also InvalidArgument: a path that no socket can have.
  static Result<ClientSocket> ConnectUnix(const Context& context, const std::string& path,
                                          Duration timeout);

  ClientSocket(ClientSocket&&) noexcept = default;
  ClientSocket& operator=(ClientSocket&& other) noexcept;

  // Everything from now on is encrypted, and the server is `host` (a name or an address) in the
  // eyes of `tls`. FailedPrecondition: it is not, or does not speak TLS.
  Status StartTls(const Context& context, const TlsContext& tls, const std::string& host,
                  Duration timeout);

  Status Send(const Context& context, std::string_view bytes, Duration silence);
  // 0: the server has closed, orderly.
  Result<size_t> Receive(const Context& context, char* buffer, size_t size, Duration silence);
  // Whether something came, or the connection ended, without being asked for.
  bool Stale();
  // Whether the connection has ended, orderly or not, rather than a wait.
  bool lost() const { return lost_; }
  // Bytes that were taken from Send, ever.
  uint64_t sent() const { return sent_; }

 private:
  explicit ClientSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  template <typename Call>
  Result<size_t> RunTls(const Context& context, Duration silence, const char* what, Call call);
  Status Lose(int error, const char* what);

  UniqueFd fd_;
  TlsSession tls_{};  // ends before its descriptor is closed
  bool lost_ = false;
  uint64_t sent_ = 0;
};

}  // namespace nanogrid
