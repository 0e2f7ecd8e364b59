// Plain processes, as a program without NanoGrid would start them: vfork, exec and two pipes.
#pragma once

#include <nanogrid/status.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

enum class Channel {
  kOutputOnly,  // standard input is /dev/null, standard output a pipe
  kPipes,       // standard input and output are pipes
  kSocket,      // both are one unix stream socket
};

enum class Launcher {
  kVfork,  // posix_spawn
  kFork,
};

// argv[0] is a path. Ends its input and waits for its exit when it goes.
class ChildProcess {
 public:
  static nanogrid::Result<ChildProcess> Start(const std::vector<std::string>& argv, Channel channel,
                                              Launcher launcher = Launcher::kVfork);
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        input_(std::move(other.input_)),
        output_(std::move(other.output_)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  // Sends `message` and reads an answer of the same size into `answer`.
  nanogrid::Status RoundTrip(const std::string& message, std::string& answer);
  // Reads its output to the end and waits for it; anything but exit status 0 is an error.
  nanogrid::Result<std::string> Finish();

 private:
  ChildProcess() = default;
  int input_fd() const { return input_.get() >= 0 ? input_.get() : output_.get(); }

  pid_t pid_ = -1;
  Descriptor input_;   // what we write to; with a socket, none
  Descriptor output_;  // what we read from
};
