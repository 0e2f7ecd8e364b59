// Which system calls code in a sandbox may make. Data; compiled to BPF once, when the project is
// built (compile_filter.cc). What no rule names answers ENOSYS, as a kernel without it would.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace nanogrid::seccomp {

enum class Action {
  kAllow,
  kDeny,     // EPERM
  kMissing,  // ENOSYS: makes libraries fall back to what is allowed
  kKill,     // SIGSYS to the process: no honest program does this
};

// Of one argument: (argument & mask) == value. With mask 0 it always holds.
struct Condition {
  int argument = 0;
  uint64_t mask = 0;
  uint64_t value = 0;
};

// For calls that meet all its conditions. A call that has rules, none of which is for it, is
// missing.
struct Rule {
  const char* syscall;
  Action action;
  std::array<Condition, 3> conditions = {};
};

struct Group {
  const char* reason;
  std::span<const Rule> rules;
};

// In the order in which they are documented; no two rules contradict each other.
std::span<const Group> Policy();

// Calls that are missing, whatever their rules say, where no control group counts memory: with them
// it is kept where watching the processes does not see it.
std::span<const char* const> HiddenMemory();

}  // namespace nanogrid::seccomp
