// How a container comes by its descriptors: a directory of its own, mounted into it, with our
// program for its pid 1 and a socket to which that connects.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "core/unique_fd.h"
#include "nanogrid/context.h"
#include "nanogrid/status.h"
#include "sandbox/common/pipe_instance.h"

namespace nanogrid::docker {

// Who is expected at the socket.
struct ExpectedPeer {
  pid_t pid = -1;  // the container's pid 1, in our pid namespace
  uint32_t uid = 0;
  bool check_uid = true;  // false: the engine maps uids
};

class Rendezvous {
 public:
  // Makes the directory below `parent`, which only we may enter.
  static Result<Rendezvous> Make(const std::string& parent, const std::string& name);

  Rendezvous(Rendezvous&&) noexcept = default;
  Rendezvous& operator=(Rendezvous&&) = delete;
  ~Rendezvous();

  const std::string& directory() const { return directory_; }

  // Waits for the container's pid 1, gives it the descriptors and answers with that of its output
  // directory (O_PATH). Whoever else connects is turned away; the socket is gone afterwards.
  // `pidfd`: of that pid 1. Aborted: it has ended.
  Result<UniqueFd> Hand(const Context& context, const ExpectedPeer& peer, int pidfd, bool frames,
                        const InstancePipes& ours, const InstancePipeEnds& theirs, int launch);

 private:
  explicit Rendezvous(std::string directory) : directory_(std::move(directory)) {}

  Result<UniqueFd> Accept(const Context& context, const ExpectedPeer& peer, int pidfd);
  void CloseDoor();

  std::string directory_;  // empty: moved from
  UniqueFd listener_{};
};

}  // namespace nanogrid::docker
