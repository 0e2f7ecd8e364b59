// The birth of an instance: from a clone of the spawner to the exec of its init.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "sandbox/linux/spawner/failure.h"
#include "sandbox/linux/spawner/root_template.h"

namespace nanogrid::spawner {

// Everything the new process needs, prepared beforehand: between clone and exec it shares the
// spawner's memory and may only make system calls. All descriptors are above kInitLaunch.
struct LaunchPlan {
  bool frames = false;  // input and output are for frames, else they are standard input and output
  int input = -1;
  int output = -1;
  int log = -1;
  int control = -1;
  int launch = -1;  // launch block
  int init = -1;    // the program to exec

  int cgroup_directory = -1;            // v2, or -1
  std::span<const int> cgroup_tasks{};  // v1
  int mount_template = -1;
  int code_tree = -1;  // detached, read-only
  int tmp_tree = -1;   // detached
  const ProcMasks* masks = nullptr;
  int network_namespace = -1;  // -1: the host's
  int user_namespace = -1;
  bool rootless = false;
  unsigned long max_open_files = 0;
  unsigned long max_processes = 0;  // as rlimit, where there is no cgroup; 0: no rlimit
  std::span<const char> filter{};   // BPF program
  int death_pipe_read = -1;         // end of file when the spawner is dead
  int death_pipe_write = -1;
};

struct Launched {
  pid_t pid = -1;
  int pidfd = -1;
};

// Returns when the init runs (its memory is its own again) or with the step that failed; then the
// process is gone. Not reentrant.
bool Launch(const LaunchPlan& plan, Launched& launched, Failure& failure);

}  // namespace nanogrid::spawner
