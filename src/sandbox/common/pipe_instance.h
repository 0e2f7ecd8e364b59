// One isolated, running runtime that is spoken to over pipes. What keeps it isolated is the
// sandbox's own: a class derived from this.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "core/unique_fd.h"
#include "nanogrid/sandbox.h"
#include "sandbox/common/instance_files.h"
#include "sandbox/common/output_files.h"
#include "sandbox/common/spin_habit.h"

namespace nanogrid {

// The host's ends of what an instance was started with.
struct InstancePipes {
  UniqueFd log;        // its stdout and stderr (kStdio: stderr)
  UniqueFd control;    // init's exit report
  UniqueFd input;      // to write events to
  UniqueFd input_end;  // its end of that, held open so that writing to a dead instance is harmless
  UniqueFd output;     // to read results from
};

// The instance's ends, to be given away. Its end of the input is InstancePipes::input_end.
struct InstancePipeEnds {
  UniqueFd log;
  UniqueFd control;
  UniqueFd output;
};

// Our ends do not block.
Status MakeInstancePipes(InstancePipes& ours, InstancePipeEnds& theirs);

class PipeInstance : public Instance {
 public:
  Result<Outcome> Invoke(const Context& context, const Invocation& invocation, LogSink& log) final;
  bool Reusable() const final;
  Status Freeze() final;
  uint64_t MemoryInUse() const final { return files_.Memory(); }

 protected:
  // `isolation`: Outcome::isolation, what holds the instance.
  PipeInstance(const FunctionPackage& package, InstancePipes pipes, InstanceFiles files,
               std::string isolation)
      : files_(std::move(files)),
        pipes_(std::move(pipes)),
        limits_(package.limits),
        protocol_(package.protocol),
        result_is_json_(package.result_is_json),
        isolation_(std::move(isolation)) {}

  // Kills all of it and waits until it is dead; false if the kernel does not get there in time.
  // Derived classes call it in their destructors: theirs are the two below.
  bool Kill();
  // Called once, or again if it has failed. `frozen`: it has to be thawed to die.
  virtual bool KillAll(bool frozen) = 0;
  // False if this instance cannot be frozen, or thawed.
  virtual bool SetFrozen(bool frozen) { return files_.SetFrozen(frozen); }
  // After SetFrozen(true): whether nothing of it runs any more.
  virtual bool WaitFrozen() { return files_.WaitFrozen(); }
  // The directory inside from which result files are collected, as OpenOutputDirectory does it;
  // ENOENT: there is none any more.
  virtual UniqueFd OpenOutput() const = 0;
  // What both kinds of death have in common: waits for `pidfd`, then until the cgroup, if there is
  // one, is empty.
  bool WaitDead(int pidfd) const;

  const InstanceFiles& files() const { return files_; }

 private:
  friend class InvocationRun;

  Status BeginInvocation();
  void EndInvocation(bool reusable);
  // Drops what a warm instance said while nobody listened. Unavailable if it is not there any more.
  Status CheckQuiet();

  // What an invocation has left is collected when nothing of the instance runs. `may_go_on`: it is
  // frozen for that, if it can be, rather than killed; false then: it was killed.
  Status CollectOutput(bool& may_go_on, FileSink& sink, Outcome& outcome);
  // These two with the mutex held. The function finds the output directory empty.
  Status CleanOutput();
  bool HoldStill();

  const InstanceFiles files_;
  InstancePipes pipes_;
  const Limits limits_;
  const Protocol protocol_;
  const bool result_is_json_;
  const std::string isolation_;

  mutable std::mutex mutex_;  // guards the four below
  bool busy_ = false;
  bool frozen_ = false;
  bool reusable_ = true;
  bool dead_ = false;

  bool used_ = false;        // has served an invocation
  bool ready_seen_ = false;  // has sent READY
  bool quick_ = false;       // the last answer came within a few microseconds
  SpinHabit spin_;
  EmptyMark output_empty_;
  Duration cpu_counted_{};  // CPU time that earlier invocations were told
  uint64_t peak_memory_ = 0;
  UniqueFd wake_;  // eventfd that a stop request writes to
};

}  // namespace nanogrid
