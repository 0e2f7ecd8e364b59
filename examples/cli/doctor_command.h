// nanogrid doctor: what isolation this machine offers, what is missing, and the exact fix.
#pragma once

#include "exit_codes.h"

namespace CLI {
class App;
}

struct DoctorOptions {
  bool json = false;
};

// Declares `doctor` and its options, which are written to `options` when a command line is parsed.
CLI::App* AddDoctorCommand(CLI::App& app, DoctorOptions& options);

// kExitSuccess if functions can be run, else kExitEngineFailed.
ExitCode Doctor(const DoctorOptions& options);
