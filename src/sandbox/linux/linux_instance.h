// One isolated, running runtime on this machine.
#pragma once

#include <memory>
#include <mutex>

#include "core/unique_fd.h"
#include "nanogrid/sandbox.h"
#include "sandbox/linux/instance_files.h"
#include "sandbox/linux/spawner_client.h"

namespace nanogrid {

// The host's ends of what an instance was started with.
struct InstancePipes {
  UniqueFd log;        // its stdout and stderr (kStdio: stderr)
  UniqueFd control;    // init's exit report
  UniqueFd input;      // to write events to
  UniqueFd input_end;  // its end of that, held open so that writing to a dead instance is harmless
  UniqueFd output;     // to read results from
};

class LinuxInstance final : public Instance {
 public:
  LinuxInstance(std::shared_ptr<SpawnerClient> spawner, SpawnedInstance spawned,
                InstancePipes pipes, Limits limits, Protocol protocol, bool result_is_json)
      : spawner_(std::move(spawner)),
        spawned_(std::move(spawned)),
        files_(spawned_),
        pipes_(std::move(pipes)),
        limits_(limits),
        protocol_(protocol),
        result_is_json_(result_is_json) {}
  ~LinuxInstance() override;

  Result<Outcome> Invoke(const Context& context, const Invocation& invocation,
                         LogSink& log) override;
  bool Reusable() const override;
  Status Freeze() override;
  uint64_t MemoryInUse() const override { return files_.Memory(); }

 private:
  friend class InvocationRun;

  Status BeginInvocation();
  void EndInvocation(bool reusable);
  // Drops what a warm instance said while nobody listened. Unavailable if it is not there any more.
  Status CheckQuiet();
  // Kills all of it and waits until it is dead; false if the kernel does not get there in time.
  bool Kill();

  std::shared_ptr<SpawnerClient> spawner_;
  SpawnedInstance spawned_;
  InstanceFiles files_;
  InstancePipes pipes_;
  const Limits limits_;
  const Protocol protocol_;
  const bool result_is_json_;

  mutable std::mutex mutex_;  // guards the four below
  bool busy_ = false;
  bool frozen_ = false;
  bool reusable_ = true;
  bool dead_ = false;

  bool used_ = false;        // has served an invocation
  bool ready_seen_ = false;  // has sent READY
  bool quick_ = false;       // the last answer came within a few microseconds
  Duration cpu_counted_{};   // CPU time that earlier invocations were told
  uint64_t peak_memory_ = 0;
  UniqueFd wake_;  // eventfd that a stop request writes to
};

}  // namespace nanogrid
