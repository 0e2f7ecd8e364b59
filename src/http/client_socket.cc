#include "http/client_socket.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "core/errors.h"

namespace nanogrid {
namespace {

TimePoint Now() { return std::chrono::steady_clock::now(); }

Status Lost(int error, const char* what) {
  return Unavailable("{}", std::string(ErrnoError(error, what).message()));
}

TimePoint After(TimePoint now, Duration time) {
  return time > TimePoint::max() - now ? TimePoint::max() : now + time;
}

int PollTimeout(TimePoint until) {
  if (until == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
}

// Waits for events on a descriptor, the context's end or a time.
Status Wait(const Context& context, int fd, short events, Duration silence, const char* what) {
  UniqueFd wake;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  if (context.stop.stop_possible()) {
    wake.Reset(::eventfd(0, EFD_CLOEXEC));
    if (!wake) return ErrnoError(errno, "eventfd");
    on_stop.emplace(context.stop, [end = wake.get()] {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(end, &one, sizeof one);
    });
  }
  const TimePoint quiet = After(Now(), silence);
  while (true) {
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    pollfd polled[2] = {{fd, events, 0}, {wake.get(), POLLIN, 0}};
    const int ready = ::poll(polled, wake ? 2 : 1, PollTimeout(std::min(quiet, context.deadline)));
    if (ready < 0 && errno != EINTR) return ErrnoError(errno, "poll");
    if (ready > 0 && polled[0].revents != 0) return absl::OkStatus();
    if (Now() >= quiet && context.Check(Now()).ok()) {
      return Unavailable("{}: nothing from the server for {} s", what,
                         std::chrono::duration_cast<std::chrono::seconds>(silence).count());
    }
  }
}

Status FinishConnect(const Context& context, int fd, const sockaddr* address, socklen_t size,
                     Duration timeout) {
  if (::connect(fd, address, size) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS) return Lost(errno, "connect");
  NANOGRID_RETURN_IF_ERROR(Wait(context, fd, POLLOUT, timeout, "connect"));
  int error = 0;
  socklen_t error_size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
  return error == 0 ? absl::OkStatus() : Lost(error, "connect");
}

Result<UniqueFd> ConnectTo(const Context& context, const addrinfo& address, Duration timeout) {
  UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoError(errno, "socket");
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  NANOGRID_RETURN_IF_ERROR(
      FinishConnect(context, fd.get(), address.ai_addr, address.ai_addrlen, timeout));
  return fd;
}

}  // namespace

Result<ClientSocket> ClientSocket::Connect(const Context& context, const std::string& host,
                                           const std::string& port, Duration timeout) {
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Unavailable("server '{}': {}", host, gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  Status last = Unavailable("server '{}': has no address", host);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    Result<UniqueFd> fd = ConnectTo(context, *address, timeout);
    if (fd.ok()) return ClientSocket(*std::move(fd));
    last = fd.status();
    if (!absl::IsUnavailable(last)) return last;
  }
  return Unavailable("server {}:{}: {}", host, port, std::string(last.message()));
}

Result<ClientSocket> ClientSocket::ConnectUnix(const Context& context, const std::string& path,
                                               Duration timeout) {
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != path.npos) {
    return InvalidArgument("'{}' cannot be a socket's path: 1 to {} bytes", path,
                           sizeof address.sun_path - 1);
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoError(errno, "socket");
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  Status connected = FinishConnect(context, fd.get(), generic, sizeof address, timeout);
  if (connected.ok()) return ClientSocket(std::move(fd));
  if (!absl::IsUnavailable(connected)) return connected;
  return Unavailable("{}: {}", path, std::string(connected.message()));
}

Status ClientSocket::Send(const Context& context, std::string_view bytes, Duration silence) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      NANOGRID_RETURN_IF_ERROR(Wait(context, fd_.get(), POLLOUT, silence, "send"));
    } else if (errno != EINTR) {
      return Lost(errno, "send");
    }
  }
  return absl::OkStatus();
}

Result<size_t> ClientSocket::Receive(const Context& context, char* buffer, size_t size,
                                     Duration silence) {
  while (true) {
    const ssize_t got = ::recv(fd_.get(), buffer, size, 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN) {
      NANOGRID_RETURN_IF_ERROR(Wait(context, fd_.get(), POLLIN, silence, "receive"));
    } else if (errno != EINTR) {
      return Lost(errno, "receive");
    }
  }
}

bool ClientSocket::Stale() const {
  pollfd polled = {fd_.get(), POLLIN, 0};
  return ::poll(&polled, 1, 0) != 0;
}

}  // namespace nanogrid
