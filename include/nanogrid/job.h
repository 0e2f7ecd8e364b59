// One call of a function: what goes in, how it ended, what it used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/context.h"
#include "nanogrid/status.h"

namespace nanogrid {

enum class JobState { kPending, kProcessing, kSuccess, kFailed, kCancelled };

// Why an invocation ended. Each limit has its own.
enum class Ending {
  kReturned,     // the handler answered, or the program exited with 0
  kException,    // the handler threw, could not be loaded, or answered what is not JSON
  kExited,       // the runtime exited in the middle of the invocation, or the program with not 0
  kSignaled,     // it died of a signal
  kTimeout,      // limits.timeout or the caller's deadline passed
  kOutOfMemory,  // limits.memory
  kTooManyProcesses,  // limits.max_processes
  kOutputLimit,       // limits.max_output
  kViolation,         // a system call that is never allowed, or a broken protocol
  kCancelled,         // the caller's stop token
};

// Names as in JSON: "PENDING" …, "returned" ….
std::string_view ToString(JobState state);
std::string_view ToString(Ending ending);
// kSuccess for kReturned, kCancelled for kCancelled, else kFailed.
JobState StateOf(Ending ending);

struct FunctionError {
  std::string type{};     // exception class, or the ending's name
  std::string message{};  // one line for people
  std::string stack{};    // as the language prints it; may be empty

  bool operator==(const FunctionError&) const = default;
};

struct Usage {
  Duration wall{};
  // User and system time of all processes. Warm invocations below 0.2 ms are not worth measuring:
  // they have 0, and what they used is in the next longer one's.
  Duration cpu{};
  uint64_t peak_memory = 0;  // bytes, of the instance since it started; 0 if the host cannot tell
};

enum class StartKind { kCold, kWarm };
std::string_view ToString(StartKind start);

// Something that a function left in $NANOGRID_OUTPUT.
struct OutputFile {
  std::string path{};    // below the directory: "plots/a.png"
  uint64_t size = 0;     // bytes
  std::string reason{};  // of one that was refused: "is a symbolic link"

  bool operator==(const OutputFile&) const = default;
};

struct Outcome {
  Ending ending = Ending::kReturned;
  std::string result{};  // JSON text; for runtime exec the program's stdout as it is
  bool result_is_json = true;
  std::optional<FunctionError> error{};  // unless kReturned
  int exit_code = 0;                     // kExited
  int signal = 0;                        // kSignaled
  Usage usage{};
  StartKind start = StartKind::kCold;
  bool log_truncated = false;               // the log was cut because the output limit struck
  std::vector<OutputFile> files{};          // what the invocation's FileSink was given
  std::vector<OutputFile> refused_files{};  // what it was not given, at most kMaxRefusedFiles
  std::string isolation{};                  // what held the function: "linux root cgroups=v2"
};

inline constexpr size_t kMaxRefusedFiles = 100;
inline constexpr size_t kMaxOutputPath = 512;

// Takes the files that a function left in $NANOGRID_OUTPUT, one after another, on the invoking
// thread, after it has returned (kReturned) and while none of it runs. An error ends the collection
// and is the answer of the invocation. Names and bytes are hostile: a path is relative, valid UTF-8
// without control characters, at most kMaxOutputPath bytes, and has no empty, "." or ".." segment;
// nothing else is promised.
class FileSink {
 public:
  virtual ~FileSink() = default;
  // Then exactly `size` bytes come, in pieces, then End.
  virtual Status Begin(std::string_view path, uint64_t size) = 0;
  virtual Status Write(std::string_view bytes) = 0;
  virtual Status End() = 0;
};

// What one invocation is told. Views must outlive the call it is passed to.
struct Invocation {
  std::string_view request_id{};  // unique; Lambda's aws_request_id
  std::string_view event{};       // JSON text; any bytes for runtime exec
  FileSink* files = nullptr;      // null: result files are not collected
};

// Takes a function's output (stdout and stderr, as written) while it runs, on the invoking thread.
// The bytes are hostile: escape control characters before a terminal sees them.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Write(std::string_view bytes) = 0;
  // The function says how far it is: a JSON value of at most 4000 bytes. Does nothing by default.
  virtual void Progress(std::string_view json);

  // Drops everything. Never destroyed.
  static LogSink& Null();
};

}  // namespace nanogrid
