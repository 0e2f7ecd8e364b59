// The file system every instance starts from, built once: a mount namespace with a minimal
// read-only root. An instance gets a private copy of it and adds what is its own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "sandbox/linux/spawner/failure.h"

namespace nanogrid::spawner {

// Fixed paths inside.
inline constexpr char kCodePath[] = "/var/task";
inline constexpr char kRuntimePath[] = "/var/runtime";
// Rootless: the host's /proc, which the kernel wants to see before it lets an unprivileged user
// mount one; each instance unmounts it.
inline constexpr char kHostProc[] = "/.hostproc";

class RootTemplates {
 public:
  RootTemplates(std::string runtime_dir, bool rootless)
      : runtime_dir_(std::move(runtime_dir)), rootless_(rootless) {}

  // The mount namespace for a given root directory (empty: made of the host's /usr), with or
  // without the host's name resolution. Valid as long as this object; -1 if it cannot be built.
  int Get(const std::string& root, bool host_network, Failure& failure);

 private:
  // In a process of its own. Invalid with the step in `report`, or with errno.
  UniqueFd Build(const std::string& root, bool host_network, Failure& report) const;

  std::string runtime_dir_;
  bool rootless_;
  std::map<std::string, UniqueFd> templates_;
};

// Paths below /proc that tell about the host or other tenants, as far as this kernel has them.
struct ProcMasks {
  std::vector<std::string> files;
  std::vector<std::string> directories;
};
// `also_private`: those too that only root may read, for instances that are root outside (rootless
// by a root without capabilities).
ProcMasks FindProcMasks(bool also_private);

}  // namespace nanogrid::spawner
