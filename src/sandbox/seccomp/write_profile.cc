// Build step: writes the policy in the words of container engines, a seccomp profile in JSON as
// Docker and Podman take it.
//   nanogrid-write-profile OUTPUT
//
// Only x86-64 is in it, so that other ABIs are killed. Calls without a rule answer ENOSYS twice
// over: by the default, and by name, because Docker before version 23 ignores defaultErrnoRet and
// then says EPERM, which makes libraries give up instead of falling back (clone3).
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>

#include <cstdio>
#include <set>
#include <string>

#include "sandbox/seccomp/policy.h"

namespace {

using nanogrid::seccomp::Action;
using nanogrid::seccomp::Condition;
using nanogrid::seccomp::Rule;

constexpr int kNumbers = 1024;  // more than x86-64 has

std::string Errno(int error) {
  return "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":" + std::to_string(error);
}

std::string Verdict(Action action) {
  switch (action) {
    case Action::kAllow:
      return "\"action\":\"SCMP_ACT_ALLOW\"";
    case Action::kDeny:
      return Errno(EPERM);
    case Action::kMissing:
      return Errno(ENOSYS);
    case Action::kKill:
      break;
  }
  return "\"action\":\"SCMP_ACT_KILL_PROCESS\"";
}

// Names and numbers only: nothing needs escaping.
std::string Entry(const Rule& rule) {
  std::string entry = "{\"names\":[\"" + std::string(rule.syscall) + "\"]," + Verdict(rule.action);
  std::string conditions;
  for (const Condition& condition : rule.conditions) {
    if (condition.mask == 0) continue;
    conditions +=
        (conditions.empty() ? "" : ",") + std::string("{\"index\":") +
        std::to_string(condition.argument) + ",\"value\":" + std::to_string(condition.mask) +
        ",\"valueTwo\":" + std::to_string(condition.value) + ",\"op\":\"SCMP_CMP_MASKED_EQ\"}";
  }
  if (!conditions.empty()) entry += ",\"args\":[" + conditions + "]";
  return entry + "}";
}

std::string Profile() {
  std::string entries;
  std::set<std::string> named;
  for (const auto& group : nanogrid::seccomp::Policy()) {
    for (const Rule& rule : group.rules) {
      named.insert(rule.syscall);
      entries += Entry(rule) + ",\n";
    }
  }
  std::string missing;
  for (int number = 0; number < kNumbers; ++number) {
    char* const name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (name != nullptr && !named.contains(name)) {
      missing += (missing.empty() ? "\"" : ",\"") + std::string(name) + "\"";
    }
    free(name);
  }
  return "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":" + std::to_string(ENOSYS) +
         ",\n\"architectures\":[\"SCMP_ARCH_X86_64\"],\n\"syscalls\":[\n" + entries +
         "{\"names\":[" + missing + "]," + Errno(ENOSYS) + "}]}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: nanogrid-write-profile OUTPUT\n", stderr);
    return 2;
  }
  const std::string profile = Profile();
  std::FILE* const file = std::fopen(argv[1], "w");
  const bool written =
      file != nullptr && std::fwrite(profile.data(), 1, profile.size(), file) == profile.size();
  if (file == nullptr || std::fclose(file) != 0 || !written) {
    std::perror(argv[1]);
    return 1;
  }
  return 0;
}
