// nanogrid run: one function, once or a few times, nothing stored.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "exit_codes.h"

namespace CLI {
class App;
}

struct RunOptions {
  std::string path{};   // file, directory or zip
  std::string name{};   // empty: made of the path
  std::string event{};  // JSON, "@FILE" or "-"
  bool has_event = false;
  uint32_t repeat = 1;
  bool json = false;
  bool verbose = false;
  std::vector<std::pair<std::string, std::string>> settings{};  // as given, for ApplySetting
};

// Declares `run` and its options, which are written to `options` when a command line is parsed.
CLI::App* AddRunCommand(CLI::App& app, RunOptions& options);

ExitCode Run(const RunOptions& options);
