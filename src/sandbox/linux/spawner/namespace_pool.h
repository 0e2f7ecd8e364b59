// User and network namespaces made ahead of time: a fresh network namespace costs more than all the
// rest of a start.
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "sandbox/linux/spawner/failure.h"

namespace nanogrid::spawner {

// The identity of one instance: a user namespace in which `kInnerId` is the only user.
struct Identity {
  UniqueFd user_namespace{};
  uid_t outer_id = 0;  // host uid and gid; rootless: the caller's own
};

inline constexpr uid_t kInnerId = 1000;

// Hands out identities. As root each has a host uid of its own out of a block that no other spawner
// on this machine uses (a file lock); an identity is used again only after its instance is dead.
class IdentityPool {
 public:
  explicit IdentityPool(bool rootless) : rootless_(rootless) {}

  std::optional<Identity> Take(Failure& failure);
  void Return(Identity identity) { free_.push_back(std::move(identity)); }
  // Makes one ahead if few are left. True if there may be more to do.
  bool TopUp();

 private:
  std::optional<Identity> Make(Failure& failure);
  bool MakeNamespace(Identity& identity, Failure& failure) const;
  bool NextId(uid_t& id, Failure& failure);

  bool rootless_;
  std::vector<Identity> free_;
  std::vector<UniqueFd> locks_;  // one per block of ids
  std::vector<uid_t> unused_;    // given back by a Make that failed
  uid_t next_ = 0;
  uid_t block_end_ = 0;
};

// Hands out network namespaces with nothing but a loopback interface that is up. They belong to the
// spawner's user namespace, so that nobody inside can configure them. One that has been used serves
// only its trust domain again: TIME_WAIT sockets and counters outlive processes.
class NetworkPool {
 public:
  std::optional<UniqueFd> Take(const std::string& domain, Failure& failure);
  void Return(const std::string& domain, UniqueFd network);
  bool TopUp();

 private:
  struct Used {
    std::string domain;
    UniqueFd network;
  };
  std::deque<Used> used_;  // oldest first
  std::vector<UniqueFd> fresh_;
};

}  // namespace nanogrid::spawner
