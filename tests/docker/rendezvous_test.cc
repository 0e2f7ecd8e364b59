// Who comes to the socket of a container, and is not the one that is expected.
#include "sandbox/docker/rendezvous.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "sandbox/common/fd_passing.h"
#include "sandbox/docker/init/entry_wire.h"

namespace nanogrid::docker {
namespace {

using testing::HasSubstr;
using Code = absl::StatusCode;

// A process of its own, killed with its owner.
class Peer {
 public:
  explicit Peer(const std::function<void()>& act) : pid_(fork()) {
    if (pid_ == 0) {
      act();
      _exit(0);
    }
    pidfd_.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Peer() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
};

// In a peer: connects and answers the socket; ends the peer if nobody is there.
int ConnectTo(const std::string& directory) {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  (directory + "/socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) _exit(1);
  return fd;
}

class RendezvousTest : public testing::Test {
 protected:
  RendezvousTest() {
    EXPECT_NE(mkdtemp(parent_.data()), nullptr);
    Result<Rendezvous> made = Rendezvous::Make(parent_, "1");
    EXPECT_TRUE(made.ok()) << made.status();
    rendezvous_.emplace(*std::move(made));
    EXPECT_TRUE(MakeInstancePipes(ours_, theirs_).ok());
    launch_.Reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  ~RendezvousTest() override {
    rendezvous_.reset();
    EXPECT_TRUE(std::filesystem::is_empty(parent_));
    rmdir(parent_.c_str());
  }

  std::string directory() const { return rendezvous_->directory(); }
  Result<UniqueFd> Hand(const Peer& peer, uint32_t uid = geteuid(),
                        Duration patience = std::chrono::seconds(20)) {
    return rendezvous_->Hand(Context::WithTimeout(patience), {.pid = peer.pid(), .uid = uid},
                             peer.pidfd(), true, ours_, theirs_, launch_.get());
  }
  // A peer that takes the descriptors and then does as it likes.
  Result<UniqueFd> HandTo(const std::function<void(int socket)>& then) {
    const Peer peer([&] {
      const int fd = ConnectTo(directory());
      docker::Hand hand;
      const Received received = ReceiveWithFds(fd, &hand, sizeof(hand));
      if (received.fd_count != kGivenFdCount || hand.frames != 1) _exit(2);
      then(fd);
    });
    return Hand(peer);
  }

  std::string parent_ = "/tmp/nanogrid-rendezvous-XXXXXX";
  std::optional<Rendezvous> rendezvous_;
  InstancePipes ours_;
  InstancePipeEnds theirs_;
  UniqueFd launch_;
};

void AnswerWell(int socket) {
  const int tmp = open("/tmp", O_PATH | O_DIRECTORY);
  const Taken taken;
  (void)SendWithFds(socket, &taken, sizeof(taken), std::span(&tmp, 1));
  pause();
}

TEST_F(RendezvousTest, TheOneThatIsExpectedGetsItsDescriptors) {
  const Result<UniqueFd> output = HandTo(AnswerWell);
  ASSERT_TRUE(output.ok()) << output.status();
  struct stat given {
  }, expected{};
  ASSERT_EQ(fstat(output->get(), &given), 0);
  ASSERT_EQ(stat("/tmp", &expected), 0);
  EXPECT_EQ(given.st_ino, expected.st_ino);
  EXPECT_FALSE(std::filesystem::exists(directory() + "/socket"));
}

TEST_F(RendezvousTest, OthersAreTurnedAwayAndTheOneIsWaitedFor) {
  int turned_away[2];
  ASSERT_EQ(pipe(turned_away), 0);
  const Peer impostor([&] {
    docker::Hand hand;
    const Received received = ReceiveWithFds(ConnectTo(directory()), &hand, sizeof(hand));
    const char got = received.size == 0 && received.fd_count == 0 ? 'n' : 'y';
    (void)!write(turned_away[1], &got, 1);
    pause();
  });
  const Peer peer([&] {
    char got = 0;
    (void)!read(turned_away[0], &got, 1);  // after the impostor
    if (got != 'n') _exit(3);
    const int fd = ConnectTo(directory());
    docker::Hand hand;
    (void)ReceiveWithFds(fd, &hand, sizeof(hand));
    AnswerWell(fd);
  });
  EXPECT_TRUE(Hand(peer).ok());
  close(turned_away[0]);
  close(turned_away[1]);
}

TEST_F(RendezvousTest, AnotherUserIsAnError) {
  const Peer peer([&] {
    ConnectTo(directory());
    pause();
  });
  const Result<UniqueFd> refused = Hand(peer, geteuid() + 1);
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition) << refused.status();
}

TEST_F(RendezvousTest, OneThatEndsBeforeItComesIsNoticed) {
  const Peer peer([] {});
  EXPECT_EQ(Hand(peer).status().code(), Code::kAborted);
}

TEST_F(RendezvousTest, OneThatEndsWithItsDescriptorsIsNoticed) {
  EXPECT_EQ(HandTo([](int) { _exit(0); }).status().code(), Code::kAborted);
}

TEST_F(RendezvousTest, AStepThatFailedInsideIsNamed) {
  const auto failed = HandTo([](int socket) {
    const Taken taken{.error = EDQUOT, .step = kStepOutputDirectory};
    (void)SendWithFds(socket, &taken, sizeof(taken), {});
    pause();
  });
  EXPECT_THAT(std::string(failed.status().message()),
              HasSubstr("in the container: make /tmp/output"));
}

TEST_F(RendezvousTest, NonsenseIsNoAnswer) {
  EXPECT_FALSE(HandTo([](int socket) {
                 (void)SendWithFds(socket, "x", 1, {});
                 pause();
               }).ok());
}

TEST_F(RendezvousTest, AnAnswerWithoutADescriptorOrWithManyIsNone) {
  EXPECT_FALSE(HandTo([](int socket) {
                 const Taken taken;
                 const int fds[] = {0, 1, 2};
                 (void)SendWithFds(socket, &taken, sizeof(taken), fds);
                 pause();
               }).ok());
}

TEST_F(RendezvousTest, OneThatNeverComesIsWaitedForUntilTheContextEnds) {
  const Peer peer([] { pause(); });
  EXPECT_EQ(Hand(peer, geteuid(), std::chrono::milliseconds(50)).status().code(),
            Code::kDeadlineExceeded);
}

TEST_F(RendezvousTest, TheProgramCanBeExecutedAndNotWritten) {
  struct stat info {};
  ASSERT_EQ(stat((directory() + "/init").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0555u);
  EXPECT_GT(info.st_size, 500);
}

}  // namespace
}  // namespace nanogrid::docker
