// Build step: turns the policy into the BPF program that every instance loads.
//   nanogrid-compile-filter OUTPUT [--without-cgroups]
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "sandbox/seccomp/policy.h"

namespace {

using nanogrid::seccomp::Action;
using nanogrid::seccomp::Condition;
using nanogrid::seccomp::Rule;

uint32_t Verdict(Action action) {
  switch (action) {
    case Action::kAllow:
      return SCMP_ACT_ALLOW;
    case Action::kDeny:
      return SCMP_ACT_ERRNO(EPERM);
    case Action::kMissing:
      return SCMP_ACT_ERRNO(ENOSYS);
    case Action::kKill:
      return SCMP_ACT_KILL_PROCESS;
  }
  return SCMP_ACT_KILL_PROCESS;
}

bool HidesMemory(const Rule& rule) {
  const auto calls = nanogrid::seccomp::HiddenMemory();
  return std::any_of(calls.begin(), calls.end(),
                     [&](const char* name) { return std::strcmp(name, rule.syscall) == 0; });
}

int Fail(const char* what, int error) {
  std::fprintf(stderr, "nanogrid-compile-filter: %s: error %d\n", what, error);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool without_cgroups = argc == 3 && std::strcmp(argv[2], "--without-cgroups") == 0;
  if (argc != 2 && !without_cgroups) {
    return Fail("usage: nanogrid-compile-filter OUTPUT [--without-cgroups]", 0);
  }
  const uint32_t default_action = SCMP_ACT_ERRNO(ENOSYS);
  scmp_filter_ctx filter = seccomp_init(default_action);
  if (filter == nullptr) return Fail("seccomp_init", ENOMEM);
  // Foreign ABIs (i386, x32) are a second, untested door to the same kernel.
  if (int e = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) {
    return Fail("badarch", e);
  }
  if (int e = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) return Fail("optimize", e);
  for (const auto& group : nanogrid::seccomp::Policy()) {
    for (const Rule& rule : group.rules) {
      const int number = seccomp_syscall_resolve_name(rule.syscall);
      if (number == __NR_SCMP_ERROR) continue;  // newer than this libseccomp: stays ENOSYS
      const uint32_t verdict = Verdict(rule.action);
      if (verdict == default_action || (without_cgroups && HidesMemory(rule))) continue;
      std::vector<scmp_arg_cmp> conditions;
      for (const Condition& condition : rule.conditions) {
        if (condition.mask == 0) continue;
        conditions.push_back({static_cast<unsigned>(condition.argument), SCMP_CMP_MASKED_EQ,
                              condition.mask, condition.value});
      }
      const int error = seccomp_rule_add_array(
          filter, verdict, number, static_cast<unsigned>(conditions.size()), conditions.data());
      if (error != 0) return Fail(rule.syscall, error);
    }
  }
  const int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return Fail(argv[1], errno);
  if (int e = seccomp_export_bpf(filter, fd)) return Fail("seccomp_export_bpf", e);
  seccomp_release(filter);
  return close(fd) == 0 ? 0 : Fail(argv[1], errno);
}
