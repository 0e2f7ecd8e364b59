// Takes samples of several contenders in turn.
//
// Purpose-built: a benchmark library runs one thing many times and then the next, so that the two
// sides of a comparison meet different weather on a shared machine, and it has no idle gaps, which
// is where sleeping CPUs, cold caches and the kernel's grace periods show. Here every round takes
// one sample of each contender, in an order shuffled anew, and what is published is their ratio.
#pragma once

#include <nanogrid/context.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

struct Contender {
  std::string name{};
  // One operation; answers how long the part took that is of interest.
  std::function<nanogrid::Result<nanogrid::Duration>()> measure{};
  // Before each measure and before the idle gap; may be empty. Not measured.
  std::function<nanogrid::Status()> prepare{};
  std::string versus{};         // the contender it is compared with; empty: with none
  std::optional<double> bar{};  // the ratio it should not exceed
};

struct Schedule {
  int rounds = 1;
  nanogrid::Duration idle{};  // before every sample
};

// One series per contender, microseconds, the i-th samples of all taken in the same round.
nanogrid::Result<std::vector<std::vector<double>>> Interleave(
    const std::vector<Contender>& contenders, const Schedule& schedule);

// Runs `operation` and answers how long it took.
template <typename Operation>
nanogrid::Result<nanogrid::Duration> Timed(Operation operation) {
  const auto begin = std::chrono::steady_clock::now();
  const nanogrid::Status status = operation();
  const auto end = std::chrono::steady_clock::now();
  if (!status.ok()) return status;
  return end - begin;
}
