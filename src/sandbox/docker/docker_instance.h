// One container with a running runtime in it.
#pragma once

#include <memory>
#include <string>

#include "sandbox/common/pipe_instance.h"
#include "sandbox/docker/engine_api.h"
#include "sandbox/docker/rendezvous.h"
#include "sandbox/docker/uid_pool.h"

namespace nanogrid::docker {

// A container that was, or is to be, created under this name: removed, and with it all that runs in
// it, with its owner.
class Container {
 public:
  Container(std::shared_ptr<EngineApi> api, std::string name)
      : api_(std::move(api)), name_(std::move(name)) {}
  Container(Container&&) noexcept = default;
  Container& operator=(Container&&) = delete;
  ~Container();

  EngineApi& api() const { return *api_; }
  const std::string& name() const { return name_; }
  std::string Path(const std::string& rest = {}) const { return "/containers/" + name_ + rest; }

 private:
  std::shared_ptr<EngineApi> api_;  // null: moved from
  std::string name_;
};

class DockerInstance final : public PipeInstance {
 public:
  DockerInstance(const FunctionPackage& package, InstancePipes pipes, InstanceFiles files, Uid uid,
                 Rendezvous rendezvous, Container container, UniqueFd pidfd, UniqueFd output);
  ~DockerInstance() override;

 private:
  bool KillAll(bool frozen) override;
  bool SetFrozen(bool frozen) override;
  bool WaitFrozen() override { return paused_ || files().WaitFrozen(); }
  UniqueFd OpenOutput() const override;

  Uid uid_;  // goes after the container, as does the next
  Rendezvous rendezvous_;
  Container container_;
  UniqueFd pidfd_;       // of pid 1 inside
  UniqueFd output_;      // its output directory
  bool paused_ = false;  // by the engine
};

}  // namespace nanogrid::docker
