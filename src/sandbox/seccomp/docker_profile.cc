#include "sandbox/seccomp/docker_profile.h"

#include <errno.h>

#include "sandbox/seccomp/policy.h"

namespace nanogrid::seccomp {
namespace {

// Names and numbers only: nothing needs escaping.
std::string Quoted(const char* name) { return std::string("\"").append(name).append("\""); }

std::string ActionMembers(Action action) {
  const auto with_errno = [](int error) {
    return "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":" + std::to_string(error);
  };
  switch (action) {
    case Action::kAllow:
      return "\"action\":\"SCMP_ACT_ALLOW\"";
    case Action::kDeny:
      return with_errno(EPERM);
    case Action::kMissing:
      return with_errno(ENOSYS);
    case Action::kKill:
      break;
  }
  return "\"action\":\"SCMP_ACT_KILL_PROCESS\"";
}

std::string Entry(const Rule& rule) {
  std::string entry = "{\"names\":[" + Quoted(rule.syscall) + "]," + ActionMembers(rule.action);
  if (rule.mask != 0) {
    entry += ",\"args\":[{\"index\":" + std::to_string(rule.argument) +
             ",\"value\":" + std::to_string(rule.mask) +
             ",\"valueTwo\":" + std::to_string(rule.value) + ",\"op\":\"SCMP_CMP_MASKED_EQ\"}]";
  }
  return entry + "}";
}

}  // namespace

std::string DockerProfile() {
  std::string entries;
  for (const Group& group : Policy()) {
    for (const Rule& rule : group.rules) entries += (entries.empty() ? "" : ",") + Entry(rule);
  }
  return "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":" + std::to_string(ENOSYS) +
         ",\"architectures\":[\"SCMP_ARCH_X86_64\"],\"syscalls\":[" + entries + "]}";
}

}  // namespace nanogrid::seccomp
