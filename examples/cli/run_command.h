// nanogrid run: one function, once or a few times, nothing stored.
#pragma once

#include <cstdint>
#include <string>

#include "event_option.h"
#include "exit_codes.h"
#include "settings_options.h"

struct RunOptions {
  std::string path{};  // file, directory or zip
  std::string name{};  // empty: made of the path
  EventOption event{};
  std::string tenant{};
  std::string output{};  // directory for result files; empty: they are dropped
  uint32_t repeat = 1;
  bool json = false;
  bool verbose = false;
  GivenSettings settings{};
};

ExitCode Run(const RunOptions& options);
