// What is said on the socket between the host and a container's pid 1: one message each way.
#pragma once

#include <cstdint>

namespace nanogrid::docker {

inline constexpr char kSocketPath[] = "/run/nanogrid/socket";
inline constexpr char kOutputPath[] = "/tmp/output";

// Host to container, with the descriptors of GivenFd in that order.
struct Hand {
  uint32_t frames = 0;  // input and output are descriptors 3 and 4, else standard input and output
};
enum GivenFd { kGivenInput, kGivenOutput, kGivenLog, kGivenControl, kGivenLaunch, kGivenFdCount };

// Container to host, with an O_PATH descriptor of kOutputPath: everything is in place.
struct Taken {
  int32_t error = 0;  // errno of the step that failed; no descriptor then
  int32_t step = 0;   // EntryStep
};

// Also the exit code of a pid 1 that cannot even say so, plus kEntryExitBase.
enum EntryStep : int32_t {
  kStepConnect = 1,
  kStepReceive,
  kStepArrange,
  kStepOutputDirectory,
};
inline constexpr int kEntryExitBase = 100;

}  // namespace nanogrid::docker
