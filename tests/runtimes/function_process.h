// A runtime as a plain child process, without sandbox: what it is sent, answers and logs.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/frame.h"
#include "core/unique_fd.h"
#include "nanogrid/runtime.h"

namespace nanogrid::testing {

using Files = std::map<std::string, std::string>;  // content by path

// Files in a directory of their own that is removed at the end.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const Files& files = {});
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Answer {
  FrameType type = FrameType::kReady;
  std::string body{};
};
bool operator==(const Answer& a, const Answer& b);
void PrintTo(const Answer& answer, std::ostream* out);
Answer Returned(std::string json);

// A field of an ERROR's body; a text that says so if it is no such body.
std::string ErrorField(const Answer& answer, std::string_view field);

// Nothing here takes longer than a minute: then a frame is missing, and that is a failure.
class FunctionProcess {
 public:
  FunctionProcess(const std::vector<std::string>& command, const std::string& directory,
                  std::map<std::string, std::string> env = {});
  ~FunctionProcess();
  FunctionProcess(const FunctionProcess&) = delete;
  FunctionProcess& operator=(const FunctionProcess&) = delete;

  Answer Invoke(std::string_view event, int64_t deadline_ms = 0,
                std::string_view request_id = "request-1");
  void Send(std::string_view bytes);
  Answer Receive();
  // What has arrived in the log since the last call. Never waits.
  std::string TakeLog();
  // Ends the conversation. Answers the wait status.
  int CloseAndWait();
  int Wait();

 private:
  UniqueFd channel_;
  UniqueFd log_;
  pid_t pid_ = -1;
};

std::string InvokeFrame(std::string_view event, int64_t deadline_ms = 0,
                        std::string_view request_id = "request-1");

// Runs a program to its end: kStdio, or a compiler.
struct Finished {
  int wait_status = -1;
  std::string out{};
};
Finished RunToEnd(const std::vector<std::string>& command, const std::string& directory,
                  const std::map<std::string, std::string>& env, const std::string& input = "");

// The built-in runtime called `name`, its files in a directory instead of /var/runtime.
class InstalledRuntime {
 public:
  explicit InstalledRuntime(std::string_view name);

  // argv to start `handler` (or `program`) with.
  std::vector<std::string> Command(const std::string& program = "") const;
  // Compiles `main_file` of `code` as the engine would; the path of the program, below `out`.
  std::string Compile(const ScratchDirectory& code, const std::string& main_file,
                      const ScratchDirectory& out) const;
  const Runtime& runtime() const { return runtime_; }

 private:
  Runtime runtime_;
  ScratchDirectory files_;
};

}  // namespace nanogrid::testing
