// What a function is: its code, how it is run, what it may use.
//
// Names are the same everywhere: fields here, snake_case in JSON, --kebab-case on command lines.
// settings.h has the one table that parses them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nanogrid/clock.h"
#include "nanogrid/grants.h"
#include "nanogrid/retry_policy.h"

namespace nanogrid {

// Bounds on one instance (memory to max_open_files) or one invocation (timeout, max_output).
// A bound that strikes ends the invocation with its own Ending (job.h).
struct Limits {
  uint64_t memory = 128ull << 20;     // bytes, all processes and /tmp together; at least 4 MiB
  double cpus = 0;                    // share of one CPU, 0.01 and up; 0: no limit
  std::optional<Duration> timeout{};  // wall time of one invocation; none: as long as it takes
  uint64_t tmp_size = 64ull << 20;    // bytes in /tmp; a proportional number of files
  uint32_t max_processes = 64;        // processes and threads
  uint32_t max_open_files = 1024;     // descriptors per process
  uint64_t max_output = 6ull << 20;   // bytes of result and log together, per invocation
  uint32_t max_files = 1000;          // files and directories left in $NANOGRID_OUTPUT

  bool operator==(const Limits&) const = default;
};

// The code as the caller has it. Nothing is read until the function is registered. Left out are
// empty directories, .git, __pycache__ and node_modules/.cache; links inside the code are kept.
struct Code {
  enum class Kind { kNone, kInline, kPath, kZip };

  Kind kind = Kind::kNone;
  std::string name{};   // kInline: the file's name; kPath: a file, directory or .zip on this host
  std::string bytes{};  // kInline: the file's content; kZip: the archive

  static Code Inline(std::string file_name, std::string content);
  static Code FromPath(std::string path);
  static Code Zip(std::string archive);
};

struct FunctionSpec {
  std::string name{};  // [A-Za-z0-9_-]{1,64}
  Code code{};
  std::string runtime{};  // python3 nodejs native exec; empty: by the type of the code's main file
  // python3, nodejs: "file.function" (default: the only or best-named file, function "handler");
  // native, exec: the path of the program or source inside the code.
  std::string handler{};
  std::map<std::string, std::string> env{};
  Limits limits{};
  Grants grants{};
  uint32_t concurrency = 0;  // invocations at the same time; 0: no limit of its own
  bool fresh = false;        // each invocation has an instance of its own: nothing is warm
  bool per_tenant = false;   // an instance serves one tenant; every invocation must name its
  RetryPolicy retry{};       // of its jobs, unless they say otherwise
  std::string sandbox = "linux";
  std::string image{};  // of a container sandbox
  std::string root{};   // directory used as root file system; empty: made of the host's /usr
};

// Which version of a function: a number, an alias, or "$LATEST".
inline constexpr char kLatest[] = "$LATEST";

// One registered version. Immutable: (name, number) means the same for ever, also after Remove.
struct FunctionVersion {
  std::string name{};
  uint64_t number = 0;        // 1, 2, …; assigned by the catalog
  std::string code_digest{};  // lower-case hex SHA-256 of the normalised code
  std::string runtime{};      // resolved, never empty
  std::string handler{};      // resolved, never empty
  std::map<std::string, std::string> env{};
  Limits limits{};
  Grants grants{};
  uint32_t concurrency = 0;
  bool fresh = false;
  bool per_tenant = false;
  RetryPolicy retry{};
  std::string sandbox{};
  std::string image{};
  std::string root{};
  // Of the code object to run: the code's, or that of what was compiled from it.
  std::string artifact_digest{};
  SystemTime created{};

  // Everything but number and created: registering an equal definition makes no new version.
  bool SameDefinition(const FunctionVersion& other) const;
};

}  // namespace nanogrid
