// What the process answers its caller. docs/cli.md has the same table.
#pragma once

#include <nanogrid/job.h>
#include <nanogrid/status.h>

enum ExitCode {
  kExitSuccess = 0,
  kExitFunctionFailed = 1,
  kExitUsage = 2,         // what was asked for cannot be: flags, files, code, event, a job
  kExitEngineFailed = 3,  // this machine or the engine could not do it
  kExitTimeout = 124,     // as timeout(1)
  kExitCancelled = 130,   // as a shell after Ctrl-C
};

ExitCode ExitCodeOf(nanogrid::Ending ending);
ExitCode ExitCodeOf(const nanogrid::Status& error);
