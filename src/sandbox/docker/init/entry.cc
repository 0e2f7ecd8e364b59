// Pid 1 of a container, the program that the host puts into it: fetches from the host the
// descriptors that the Linux sandbox's init is born with, and then is the same.
//
// The engine has done the isolation when this starts: identity, limits, mounts, filter. What it
// inherits, the engine's environment and streams, goes no further.
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sandbox/common/init/supervisor.h"
#include "sandbox/docker/init/entry_wire.h"

namespace {

using nanogrid::docker::EntryStep;
using nanogrid::docker::Hand;
using nanogrid::docker::Taken;
using nanogrid::init::Exit;
using nanogrid::init::Syscall;
namespace wire = nanogrid::wire;

constexpr int kHigh = 64;  // out of the way of the numbers that descriptors get

template <typename T>
long Address(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

[[noreturn]] void Die(EntryStep step) { Exit(nanogrid::docker::kEntryExitBase + step); }

int Connect() {
  const long fd = Syscall(__NR_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) Die(nanogrid::docker::kStepConnect);
  sockaddr_un address;
  address.sun_family = AF_UNIX;
  for (unsigned i = 0; i < sizeof(nanogrid::docker::kSocketPath); ++i) {
    address.sun_path[i] = nanogrid::docker::kSocketPath[i];
  }
  constexpr long kSize = offsetof(sockaddr_un, sun_path) + sizeof(nanogrid::docker::kSocketPath);
  if (Syscall(__NR_connect, fd, Address(&address), kSize) != 0) {
    Die(nanogrid::docker::kStepConnect);
  }
  const long high = Syscall(__NR_fcntl, fd, F_DUPFD_CLOEXEC, kHigh);
  if (high < 0) Die(nanogrid::docker::kStepConnect);
  Syscall(__NR_close, fd);
  return static_cast<int>(high);
}

// One message; with `fds` sent or received beside it. -errno, or the bytes moved.
struct Message {
  iovec part;
  msghdr header;
  alignas(cmsghdr) char control[CMSG_SPACE(nanogrid::docker::kGivenFdCount * sizeof(int))] = {};

  Message(void* data, unsigned long size, unsigned long fds) : part{data, size} {
    header.msg_name = nullptr;
    header.msg_namelen = 0;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = fds > 0 ? control : nullptr;
    header.msg_controllen = fds > 0 ? CMSG_SPACE(fds * sizeof(int)) : 0;
    header.msg_flags = 0;
  }
};

void Receive(int socket, Hand& hand, int (&fds)[nanogrid::docker::kGivenFdCount]) {
  Message message(&hand, sizeof(hand), nanogrid::docker::kGivenFdCount);
  const long got = Syscall(__NR_recvmsg, socket, Address(&message.header), MSG_CMSG_CLOEXEC);
  const auto* const rights = reinterpret_cast<const cmsghdr*>(message.control);
  if (got != sizeof(hand) || message.header.msg_controllen < sizeof(cmsghdr) ||
      rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof(fds))) {
    Die(nanogrid::docker::kStepReceive);
  }
  const int* const given = reinterpret_cast<const int*>(message.control + CMSG_LEN(0));
  for (int i = 0; i < nanogrid::docker::kGivenFdCount; ++i) fds[i] = given[i];
}

void Answer(int socket, Taken taken, int fd) {
  Message message(&taken, sizeof(taken), fd >= 0 ? 1 : 0);
  if (fd >= 0) {
    auto* const rights = reinterpret_cast<cmsghdr*>(message.control);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(message.control + CMSG_LEN(0)) = fd;
  }
  Syscall(__NR_sendmsg, socket, Address(&message.header), MSG_NOSIGNAL);
}

[[noreturn]] void Fail(int socket, EntryStep step, long error) {
  Answer(socket, {static_cast<int>(-error), step}, -1);
  Die(step);
}

void Arrange(int socket, const Hand& hand, const int (&fds)[nanogrid::docker::kGivenFdCount]) {
  const auto check = [socket](long result) {
    if (result < 0) Fail(socket, nanogrid::docker::kStepArrange, result);
    return static_cast<int>(result);
  };
  int high[nanogrid::docker::kGivenFdCount];
  for (int i = 0; i < nanogrid::docker::kGivenFdCount; ++i) {
    high[i] = check(Syscall(__NR_fcntl, fds[i], F_DUPFD_CLOEXEC, kHigh));
  }
  const auto give = [&](int from, int to) { check(Syscall(__NR_dup2, from, to)); };
  const int null = check(Syscall(__NR_open, Address("/dev/null"), O_RDONLY | O_CLOEXEC));
  const int input = high[nanogrid::docker::kGivenInput];
  const int output = high[nanogrid::docker::kGivenOutput];
  const int log = high[nanogrid::docker::kGivenLog];
  const int null_high = check(Syscall(__NR_fcntl, null, F_DUPFD_CLOEXEC, kHigh));
  give(hand.frames != 0 ? null_high : input, 0);
  give(hand.frames != 0 ? log : output, 1);
  give(log, 2);
  give(input, wire::kInitFrameInput);
  give(output, wire::kInitFrameOutput);
  give(high[nanogrid::docker::kGivenControl], wire::kInitControl);
  give(high[nanogrid::docker::kGivenLaunch], wire::kInitLaunch);
  if (hand.frames == 0) {
    Syscall(__NR_close, wire::kInitFrameInput);
    Syscall(__NR_close, wire::kInitFrameOutput);
  }
}

int MakeOutputDirectory(int socket) {
  const long made = Syscall(__NR_mkdir, Address(nanogrid::docker::kOutputPath), 0700);
  if (made < 0) Fail(socket, nanogrid::docker::kStepOutputDirectory, made);
  const long fd = Syscall(__NR_open, Address(nanogrid::docker::kOutputPath),
                          O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const long high = fd < 0 ? fd : Syscall(__NR_fcntl, fd, F_DUPFD_CLOEXEC, kHigh);
  if (high < 0) Fail(socket, nanogrid::docker::kStepOutputDirectory, high);
  return static_cast<int>(high);
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void NanogridInit() {
  Syscall(__NR_prctl, PR_SET_DUMPABLE, 0);
  const int socket = Connect();
  Hand hand;
  int fds[nanogrid::docker::kGivenFdCount];
  Receive(socket, hand, fds);
  const int output_directory = MakeOutputDirectory(socket);
  Arrange(socket, hand, fds);
  Answer(socket, {}, output_directory);
  // Until the host has closed its end, which lies in this network namespace: the function would see
  // it.
  char nothing;
  Syscall(__NR_read, socket, Address(&nothing), 1);
  // The socket, too: the host and the function have nothing more to say to each other on it.
  Syscall(__NR_close_range, wire::kInitLaunch + 1, ~0u, 0);
  nanogrid::init::Say(nanogrid::init::Supervise());
  // Until the host, which has read the counters, kills us: the engine would remove them with us.
  for (;;) Syscall(__NR_pause);
}
