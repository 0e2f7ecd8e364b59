#include "sandbox/docker/rendezvous.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/errors.h"
#include "sandbox/common/fd_passing.h"
#include "sandbox/docker/init/entry_wire.h"

extern "C" const char nanogrid_docker_init_begin[], nanogrid_docker_init_end[];

namespace nanogrid::docker {
namespace {

// How long a container that the engine calls started may take to its first system call.
constexpr Duration kPatience = std::chrono::seconds(30);
constexpr Duration kLook = std::chrono::milliseconds(100);  // between looks at the context

TimePoint Now() { return std::chrono::steady_clock::now(); }

const char* StepName(int step) {
  switch (step) {
    case kStepConnect:
      return "connect to the host";
    case kStepReceive:
      return "receive descriptors";
    case kStepArrange:
      return "arrange descriptors";
    case kStepOutputDirectory:
      return "make /tmp/output";
    default:
      return "start";
  }
}

Status WriteProgram(const std::string& path) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0555));
  if (!fd) return ErrnoError(errno, "write " + path);
  const char* at = nanogrid_docker_init_begin;
  while (at != nanogrid_docker_init_end) {
    const ssize_t wrote = ::write(fd.get(), at, static_cast<size_t>(nanogrid_docker_init_end - at));
    if (wrote <= 0) return ErrnoError(errno, "write " + path);
    at += wrote;
  }
  if (::fchmod(fd.get(), 0555) != 0) return ErrnoError(errno, "chmod " + path);
  return absl::OkStatus();
}

// Waits for something on one of two descriptors. False: on the second.
Result<bool> WaitFor(const Context& context, TimePoint until, int fd, int pidfd) {
  for (;;) {
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    if (Now() >= until) {
      return Unavailable("the container did not ask for its descriptors within {} s",
                         std::chrono::duration_cast<std::chrono::seconds>(kPatience).count());
    }
    std::array<pollfd, 2> fds = {{{fd, POLLIN, 0}, {pidfd, POLLIN, 0}}};
    const TimePoint next = std::min({until, context.deadline, Now() + kLook});
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Now()).count();
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<int64_t>(wait, 0)));
    if (ready < 0 && errno != EINTR) return ErrnoError(errno, "poll");
    if (ready <= 0) continue;
    if (fds[0].revents != 0) return true;
    if (fds[1].revents != 0) return false;
  }
}

Status Ended() { return MakeError(absl::StatusCode::kAborted, "the container has ended"); }

}  // namespace

Result<Rendezvous> Rendezvous::Make(const std::string& parent, const std::string& name) {
  const std::string directory = parent + "/" + name;
  if (::mkdir(directory.c_str(), 0700) != 0) return ErrnoError(errno, "mkdir " + directory);
  Rendezvous made(directory);
  NANOGRID_RETURN_IF_ERROR(WriteProgram(directory + "/init"));
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return ErrnoError(errno, "open " + directory);
  made.listener_.Reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.listener_) return ErrnoError(errno, "socket");
  // Below /proc/self/fd no path is too long for a socket's address.
  const std::string path = fmt::format("/proc/self/fd/{}/socket", fd.get());
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::bind(made.listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
          0 ||
      ::fchmodat(fd.get(), "socket", 0666, 0) != 0 || ::listen(made.listener_.get(), 4) != 0) {
    return ErrnoError(errno, "listen on " + directory + "/socket");
  }
  // Only now others, which nobody is on the host, may pass: the container's user is one of them.
  if (::fchmod(fd.get(), 0711) != 0) return ErrnoError(errno, "chmod " + directory);
  return made;
}

Rendezvous::~Rendezvous() {
  if (directory_.empty()) return;
  CloseDoor();
  (void)::unlink((directory_ + "/init").c_str());
  (void)::rmdir(directory_.c_str());
}

void Rendezvous::CloseDoor() {
  if (!listener_) return;
  listener_.Reset();
  (void)::unlink((directory_ + "/socket").c_str());
}

Result<UniqueFd> Rendezvous::Accept(const Context& context, const ExpectedPeer& peer, int pidfd) {
  const TimePoint until = Now() + kPatience;
  for (;;) {
    NANOGRID_ASSIGN_OR_RETURN(const bool here, WaitFor(context, until, listener_.get(), pidfd));
    if (!here) return Ended();
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)) continue;
    if (!connection) return ErrnoError(errno, "accept");
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
      return ErrnoError(errno, "SO_PEERCRED");
    }
    if (credentials.pid != peer.pid) continue;
    if (peer.check_uid && credentials.uid != peer.uid) {
      return FailedPrecondition("the container runs as uid {}, {} was asked for", credentials.uid,
                                peer.uid);
    }
    return connection;
  }
}

Result<UniqueFd> Rendezvous::Hand(const Context& context, const ExpectedPeer& peer, int pidfd,
                                  bool frames, const InstancePipes& ours,
                                  const InstancePipeEnds& theirs, int launch) {
  Result<UniqueFd> connection = Accept(context, peer, pidfd);
  CloseDoor();
  NANOGRID_RETURN_IF_ERROR(connection.status());
  const docker::Hand hand = {.frames = frames ? 1u : 0u};
  int fds[kGivenFdCount];
  fds[kGivenInput] = ours.input_end.get();
  fds[kGivenOutput] = theirs.output.get();
  fds[kGivenLog] = theirs.log.get();
  fds[kGivenControl] = theirs.control.get();
  fds[kGivenLaunch] = launch;
  if (const int error = SendWithFds(connection->get(), &hand, sizeof(hand), fds)) {
    return error == EPIPE ? Ended() : ErrnoError(error, "send descriptors to the container");
  }
  NANOGRID_ASSIGN_OR_RETURN(const bool answered,
                            WaitFor(context, Now() + kPatience, connection->get(), pidfd));
  if (!answered) return Ended();
  Taken taken;
  Received received = ReceiveWithFds(connection->get(), &taken, sizeof(taken));
  std::array<UniqueFd, kMaxPassedFds> given;
  for (size_t i = 0; i < received.fd_count; ++i) given[i].Reset(received.fds[i]);
  if (received.size != static_cast<ssize_t>(sizeof(taken))) return Ended();
  if (taken.error != 0) {
    return ErrnoError(taken.error, fmt::format("in the container: {}", StepName(taken.step)));
  }
  if (received.fd_count != 1) return Internal("the container's pid 1 gave no output directory");
  return std::move(given[0]);
}

}  // namespace nanogrid::docker
