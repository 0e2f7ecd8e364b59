// Makes instances on request, buries them, and takes everything along when the host is gone.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "sandbox/common/fd_passing.h"
#include "sandbox/linux/spawner/cgroups.h"
#include "sandbox/linux/spawner/launch.h"
#include "sandbox/linux/spawner/namespace_pool.h"
#include "sandbox/linux/spawner/root_template.h"

namespace nanogrid::spawner {

// Single-threaded. `host` is the socket to the host process, `host_process` a pidfd of it.
class Spawner {
 public:
  Spawner(int host, int host_process, int init, std::span<const char> filter,
          std::span<const char> filter_without_cgroups)
      : host_(host),
        host_process_(host_process),
        init_(init),
        filter_(filter),
        filter_without_cgroups_(filter_without_cgroups) {}

  // Until the host is gone; then every instance is dead and every trace removed.
  void Run();

 private:
  struct Entry {
    uint64_t id = 0;
    pid_t pid = -1;
    UniqueFd pidfd{};
    std::optional<Identity> identity{};
    std::optional<UniqueFd> network{};
    std::optional<Cgroup> cgroup{};
    std::string domain{};
    bool dead = false;      // reaped
    bool released = false;  // the host needs its cgroup no more
  };

  bool Configure(wire::Answer& answer);
  bool IsIsolationMet(wire::Isolation required, Failure& failure) const;
  static bool BecomeRootless(Failure& failure);
  static bool EnterTimeNamespace(Failure& failure);
  bool HandleRequest();
  void HandleStart(const wire::Start& start, const Received& received);
  bool Start(const wire::Start& start, std::span<const int> fds, Entry& entry, UniqueFd& tmp,
             Failure& failure);
  static UniqueFd MakeTmp(const wire::Start& start, uid_t owner, Failure& failure);
  void HandleRelease(uint64_t id);
  void Reap();
  void Bury(uint64_t id);
  void Kill(const Entry& entry);
  void KillEverything();
  bool TopUp();

  int host_;
  int host_process_;
  int init_;
  std::span<const char> filter_;
  std::span<const char> filter_without_cgroups_;
  bool rootless_ = false;
  UniqueFd death_pipe_[2];
  ProcMasks masks_;
  Cgroups cgroups_;
  std::optional<IdentityPool> identities_;
  NetworkPool networks_;
  std::optional<RootTemplates> templates_;
  std::map<uint64_t, Entry> instances_;  // by id
  std::map<pid_t, uint64_t> running_;    // not reaped yet
};

}  // namespace nanogrid::spawner
