// How a kind of code is run: what python3, nodejs, native and exec mean. Data, so that a host can
// add a runtime of its own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nanogrid/sandbox.h"

namespace nanogrid {

// How source code becomes a program, at registration, inside a sandbox without network.
struct Compiler {
  std::vector<std::string> extensions{};  // of the main file: ".cpp"
  std::string tool{};                     // looked for in the sandbox's root: "/usr/bin/g++"
  std::string install_hint{};             // for people who lack it: "apt-get install g++"
  // Run as `sh -c script` with /var/task read-only, $NANOGRID_SOURCE the main file's path there and
  // /tmp writable; must write the finished executable to stdout and messages to stderr.
  std::string script{};
  Limits limits{};
};

struct Runtime {
  std::string name{};  // "python3"
  Protocol protocol = Protocol::kFrames;
  bool result_is_json = true;
  std::vector<std::string> extensions{};  // of main files it runs as they are: ".py"
  bool runs_executables = false;          // main file: any file with an executable bit
  // argv inside the sandbox. "{handler}" stands for the resolved handler, "{memory_mb}" for the
  // memory limit, "{program}" for the path of the main file's program under /var/task.
  std::vector<std::string> command{};
  std::map<std::string, std::string> env{};  // defaults; the function's own values win
  std::vector<Compiler> compilers{};
  // Default function name when the handler names only a file: "handler"; empty if handlers are
  // files.
  std::string default_function{};
  std::string requires_path{};  // must exist in the root: "/usr/bin/python3"
  std::string install_hint{};
};

// Files that runtimes need inside every sandbox, by name below /var/runtime:
// "python3/bootstrap.py".
using RuntimeFiles = std::map<std::string, std::string>;

// python3, nodejs, native, exec.
std::vector<Runtime> BuiltinRuntimes();
RuntimeFiles BuiltinRuntimeFiles();

}  // namespace nanogrid
