// A way to isolate code, and one isolated, running runtime.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nanogrid/function_spec.h"
#include "nanogrid/job.h"

namespace nanogrid {

// How an instance is spoken to.
enum class Protocol {
  kFrames,  // invocation frames on descriptors 3 and 4 (docs/frame-protocol.md); many of them
  kStdio,   // event on stdin, result on stdout, then it exits; one invocation
};

// Everything needed to start an instance: a version, made concrete for this host.
struct FunctionPackage {
  std::string name{};
  uint64_t version = 0;
  std::string tenant{};                // whose instance it is, if tenants are kept apart
  std::string code_dir{};              // host directory, seen read-only as /var/task
  std::vector<std::string> command{};  // argv; [0] is a path inside the sandbox
  // The whole environment; the sandbox adds NANOGRID_OUTPUT, the path of the directory inside from
  // which result files are collected (Invocation::files), and nothing else. Each invocation finds
  // that empty, whether or not the one before was asked for files.
  std::map<std::string, std::string> env{};
  Protocol protocol = Protocol::kFrames;
  bool result_is_json = true;
  Limits limits{};
  Grants grants{};
  std::string root{};   // FunctionSpec::root
  std::string image{};  // FunctionSpec::image
};

// One running runtime. Invoke is called by one thread at a time; any thread may call the others.
// The destructor kills everything the instance started and returns when it is dead.
class Instance {
 public:
  virtual ~Instance() = default;

  // Runs one invocation on the calling thread, which does all the I/O.
  //
  // However the function ends, that is an Outcome: also when context's deadline passes (kTimeout)
  // or its stop is requested (kCancelled); then everything that the instance ran is dead on return.
  // Unavailable: the instance was found dead or broken before it could have seen the event; the
  // caller may use another one. Internal: the host itself failed.
  virtual Result<Outcome> Invoke(const Context& context, const Invocation& invocation,
                                 LogSink& log) = 0;

  // Whether Invoke may be called (again). False once anything ended other than by kReturned or
  // kException, and after the only invocation of a kStdio instance.
  virtual bool Reusable() const = 0;

  // Stops the instance from using CPU until the next Invoke, which thaws it by itself. A sandbox
  // that cannot freeze does nothing.
  virtual Status Freeze() = 0;

  // Bytes in use now, 0 if unknown.
  virtual uint64_t MemoryInUse() const = 0;
};

// Thread-safe. Outlives its instances.
class Sandbox {
 public:
  virtual ~Sandbox() = default;

  // Starts the package's runtime, isolated and limited. Does not wait for the runtime to load the
  // code: what goes wrong there ends the first invocation (kException). Any step of the set-up that
  // fails stops the start: Internal or FailedPrecondition, with the step and errno in the message,
  // and nothing left behind.
  virtual Result<std::unique_ptr<Instance>> Start(const Context& context,
                                                  const FunctionPackage& package) = 0;
};

}  // namespace nanogrid
