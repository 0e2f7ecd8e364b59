// One isolated, running runtime of the Linux sandbox.
#pragma once

#include <memory>

#include "sandbox/common/pipe_instance.h"
#include "sandbox/linux/spawner_client.h"

namespace nanogrid {

class LinuxInstance final : public PipeInstance {
 public:
  LinuxInstance(const FunctionPackage& package, std::shared_ptr<SpawnerClient> spawner,
                SpawnedInstance spawned, InstancePipes pipes);
  ~LinuxInstance() override;

 private:
  bool KillAll(bool frozen) override;
  UniqueFd OpenOutput() const override;

  std::shared_ptr<SpawnerClient> spawner_;
  const uint64_t id_;  // the spawner's
  UniqueFd pidfd_;
  UniqueFd tmp_;  // the root of its /tmp
};

}  // namespace nanogrid
