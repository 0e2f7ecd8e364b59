// The host's side of the spawner: starts it, asks it for instances.
#pragma once

#include <array>
#include <mutex>
#include <span>
#include <string>

#include "core/unique_fd.h"
#include "nanogrid/status.h"
#include "sandbox/linux/wire.h"

namespace nanogrid {

// An instance as the spawner hands it over.
struct SpawnedInstance {
  uint64_t id = 0;
  pid_t pid = -1;
  bool has_cgroup = false;
  wire::Mode mode = wire::Mode::kAuto;                // as the spawner has chosen
  wire::Cgroups cgroups = wire::Cgroups::kAuto;       // the same
  std::array<UniqueFd, wire::kStartedFdCount> fds{};  // invalid where the kernel has no such file
};

// Thread-safe. The spawner runs from the first Start on; if it dies, the next Start makes a new one
// (its instances died with it).
class SpawnerClient {
 public:
  explicit SpawnerClient(const wire::Configure& configure) : configure_(configure) {}

  // What the spawner has chosen; starts it if need be.
  Result<wire::Answer> Describe();
  // `fds` in the order of wire::StartFd. The id in `start` is set here.
  Result<SpawnedInstance> Start(wire::Start& start, std::span<const int> fds);
  // The instance is dead and its figures are no longer needed. If it is not dead, it is killed.
  void Release(uint64_t id);

 private:
  Status EnsureRunning();
  void SendRelease(uint64_t id);

  const wire::Configure configure_;
  std::mutex mutex_;
  UniqueFd socket_;
  wire::Answer description_;
  uint64_t next_id_ = 1;
};

}  // namespace nanogrid
