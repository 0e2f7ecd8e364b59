// What a job that has ended answers its caller.
#pragma once

#include <nanogrid/controller.h>

#include <string>
#include <string_view>

#include "exit_codes.h"

struct ShowOptions {
  bool json = false;
  bool verbose = false;
  std::string output{};  // directory for result files; empty: they stay where they are
};

// The result to standard output, failures to standard error; the exit status.
nanogrid::Result<ExitCode> ShowResult(nanogrid::Controller& controller, const nanogrid::Job& job,
                                      const ShowOptions& options, std::string_view log = {});
