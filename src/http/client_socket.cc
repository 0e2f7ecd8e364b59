#include "http/client_socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "core/errors.h"
#include "http/resolve.h"

namespace nanogrid {
namespace {

// A receive may sleep for so long without hearing of a stop. Most answers come within it, and then
// waiting costs one system call rather than three.
constexpr std::chrono::milliseconds kDeaf(10);

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

// Whether calls on the descriptor wait; those that receive, for kDeaf at most.
Status SetBlocking(int fd, bool blocking) {
  const timeval limit = {.tv_sec = 0, .tv_usec = std::chrono::microseconds(kDeaf).count()};
  const int flags = ::fcntl(fd, F_GETFL);
  const int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  if (flags < 0 || ::fcntl(fd, F_SETFL, wanted) != 0 ||
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
    return ErrnoError(errno, "socket options");
  }
  return absl::OkStatus();
}

Status FinishConnect(const Context& context, int fd, const sockaddr* address, socklen_t size,
                     Duration timeout) {
  if (::connect(fd, address, size) != 0) {
    if (errno != EINPROGRESS) return Lost(errno, "connect");
    NANOGRID_RETURN_IF_ERROR(Wait(context, fd, POLLOUT, timeout, "connect"));
    int error = 0;
    socklen_t error_size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error != 0) return Lost(error, "connect");
  }
  return SetBlocking(fd, true);
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

ClientSocket& ClientSocket::operator=(ClientSocket&& other) noexcept {
  tls_ = std::move(other.tls_);  // says good-bye on the old descriptor
  fd_ = std::move(other.fd_);
  lost_ = other.lost_;
  sent_ = other.sent_;
  return *this;
}

Result<ClientSocket> ClientSocket::Connect(const Context& context, const std::string& host,
                                           const std::string& port, Duration timeout) {
  NANOGRID_ASSIGN_OR_RETURN(const AddressList list, Resolve(context, host, port));
  Status last;
  for (const addrinfo* address = list.get(); address != nullptr; address = address->ai_next) {
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

Status ClientSocket::Lose(int error, const char* what) {
  lost_ = true;
  return Lost(error, what);
}

template <typename Call>
Result<size_t> ClientSocket::RunTls(const Context& context, Duration silence, const char* what,
                                    Call call) {
  while (true) {
    ERR_clear_error();
    errno = 0;
    size_t moved = 0;
    const int result = call(tls_.get(), moved);
    if (result > 0) return moved;
    switch (SSL_get_error(tls_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        NANOGRID_RETURN_IF_ERROR(Wait(context, fd_.get(), POLLIN, silence, what));
        break;
      case SSL_ERROR_WANT_WRITE:
        NANOGRID_RETURN_IF_ERROR(Wait(context, fd_.get(), POLLOUT, silence, what));
        break;
      case SSL_ERROR_ZERO_RETURN:
        lost_ = true;
        return 0;
      case SSL_ERROR_SYSCALL:
        return Lose(errno != 0 ? errno : ECONNRESET, what);
      default:
        if (TlsPeerVanished()) return Lose(ECONNRESET, what);
        // The handshake's caller asks for the reasons.
        if (SSL_is_init_finished(tls_.get()) != 1) return absl::FailedPreconditionError("TLS");
        lost_ = true;
        return Unavailable("{}: TLS: {}", what, TakeTlsReasons());
    }
  }
}

Status ClientSocket::StartTls(const Context& context, const TlsContext& tls,
                              const std::string& host, Duration timeout) {
  NANOGRID_RETURN_IF_ERROR(SetBlocking(fd_.get(), false));
  NANOGRID_ASSIGN_OR_RETURN(tls_, MakeTlsSession(tls, fd_.get(), host));
  const Result<size_t> done = RunTls(context, timeout, "TLS handshake", [](SSL* session, size_t&) {
    return SSL_do_handshake(session);
  });
  if (done.ok() && lost_) return Unavailable("server '{}': closed during the TLS handshake", host);
  if (absl::IsFailedPrecondition(done.status())) return HandshakeError(tls_.get(), host);
  return done.status();
}

Status ClientSocket::Send(const Context& context, std::string_view bytes, Duration silence) {
  while (!bytes.empty()) {
    if (tls_) {
      NANOGRID_ASSIGN_OR_RETURN(const size_t sent,
                                RunTls(context, silence, "send", [&](SSL* session, size_t& moved) {
                                  return SSL_write_ex(session, bytes.data(), bytes.size(), &moved);
                                }));
      if (sent == 0) return Lose(EPIPE, "send");
      sent_ += sent;
      bytes.remove_prefix(sent);
      continue;
    }
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      sent_ += static_cast<size_t>(sent);
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      NANOGRID_RETURN_IF_ERROR(Wait(context, fd_.get(), POLLOUT, silence, "send"));
    } else if (errno != EINTR) {
      return Lose(errno, "send");
    }
  }
  return absl::OkStatus();
}

Result<size_t> ClientSocket::Receive(const Context& context, char* buffer, size_t size,
                                     Duration silence) {
  if (tls_) {
    return RunTls(context, silence, "receive", [&](SSL* session, size_t& moved) {
      return SSL_read_ex(session, buffer, size, &moved);
    });
  }
  while (true) {
    const bool patient = silence > kDeaf && context.Check(Now() + kDeaf).ok();
    const ssize_t got = ::recv(fd_.get(), buffer, size, patient ? 0 : MSG_DONTWAIT);
    if (got == 0) lost_ = true;
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN) {
      NANOGRID_RETURN_IF_ERROR(Wait(context, fd_.get(), POLLIN, silence, "receive"));
    } else if (errno != EINTR) {
      return Lose(errno, "receive");
    }
  }
}

bool ClientSocket::Stale() {
  pollfd polled = {fd_.get(), POLLIN, 0};
  if (!tls_) return ::poll(&polled, 1, 0) != 0;
  if (SSL_pending(tls_.get()) > 0) return true;
  if (::poll(&polled, 1, 0) == 0) return false;
  // It may be a session ticket, which servers send when they like.
  ERR_clear_error();
  char byte = 0;
  const int result = SSL_peek(tls_.get(), &byte, 1);
  const bool nothing = result <= 0 && SSL_get_error(tls_.get(), result) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  return !nothing;
}

}  // namespace nanogrid
