// Messages with descriptors over a SOCK_SEQPACKET socket.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

namespace nanogrid {

inline constexpr size_t kMaxPassedFds = 16;

// Sends one message; the descriptors stay the caller's. 0 or an errno.
int SendWithFds(int socket, const void* data, size_t size, std::span<const int> fds);

struct Received {
  ssize_t size = 0;  // bytes; 0: the peer is gone; < 0: -errno
  size_t fd_count = 0;
  int fds[kMaxPassedFds] = {};  // the caller's from now on, close-on-exec
};
// Receives one message of at most `size` bytes.
Received ReceiveWithFds(int socket, void* data, size_t size);

}  // namespace nanogrid
