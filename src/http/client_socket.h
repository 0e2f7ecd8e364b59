// A TCP or UNIX connection with blocking calls that a Context ends.
#pragma once

#include <string>
#include <string_view>

#include "core/unique_fd.h"
#include "nanogrid/context.h"

namespace nanogrid {

// Errors: Unavailable, Cancelled, DeadlineExceeded. `silence`: nothing moved for so long.
class ClientSocket {
 public:
  static Result<ClientSocket> Connect(const Context& context, const std::string& host,
                                      const std::string& port, Duration timeout);
  // Also InvalidArgument: a path that no socket can have.
  static Result<ClientSocket> ConnectUnix(const Context& context, const std::string& path,
                                          Duration timeout);

  Status Send(const Context& context, std::string_view bytes, Duration silence);
  // 0: the server has closed.
  Result<size_t> Receive(const Context& context, char* buffer, size_t size, Duration silence);
  // Whether something came, or the connection ended, without being asked for.
  bool Stale() const;

 private:
  explicit ClientSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace nanogrid
