// What `nanogrid doctor` asks: which isolation this machine offers, and what would mend the rest.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/errors.h"
#include "nanogrid/adapters/linux_sandbox.h"
#include "sandbox/linux/sandbox_options.h"
#include "sandbox/linux/spawner_client.h"

namespace nanogrid {
namespace {

using Level = IsolationCheck::Level;

std::string FirstLine(const char* path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

IsolationCheck CheckKernel() {
  utsname name{};
  uname(&name);
  int major = 0, minor = 0;
  std::sscanf(name.release, "%d.%d", &major, &minor);
  const bool recent = major > 5 || (major == 5 && minor >= 14);
  return {recent ? Level::kOk : Level::kError, "kernel", name.release,
          recent ? "" : "run Linux 5.14 or newer (Debian 12 has 6.1)"};
}

IsolationCheck CheckUserNamespaces() {
  IsolationCheck check{Level::kOk, "user namespaces", "available", ""};
  if (const std::string max = FirstLine("/proc/sys/user/max_user_namespaces"); max == "0") {
    return {Level::kError, check.name, "turned off (user.max_user_namespaces = 0)",
            "sysctl -w user.max_user_namespaces=15000"};
  }
  if (geteuid() == 0) return check;
  if (FirstLine("/proc/sys/kernel/unprivileged_userns_clone") == "0") {
    return {Level::kError, check.name, "root only (kernel.unprivileged_userns_clone = 0)",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1"};
  }
  if (FirstLine("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return {Level::kWarning, check.name,
            "restricted by AppArmor (kernel.apparmor_restrict_unprivileged_userns = 1)",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"};
  }
  return check;
}

IsolationCheck CheckMemoryExec() {
  const std::string value = FirstLine("/proc/sys/vm/memfd_noexec");
  if (value == "2") {
    return {Level::kError, "programs in memory", "refused (vm.memfd_noexec = 2)",
            "sudo sysctl -w vm.memfd_noexec=1"};
  }
  return {Level::kOk, "programs in memory", "allowed", ""};
}

IsolationCheck CheckSeccomp() {
  const std::string actions = FirstLine("/proc/sys/kernel/seccomp/actions_avail");
  if (actions.find("kill_process") != std::string::npos) {
    return {Level::kOk, "seccomp", "available", ""};
  }
  return {Level::kError, "seccomp", "not in this kernel",
          "run a kernel with CONFIG_SECCOMP_FILTER"};
}

IsolationCheck CheckCgroups(const wire::Answer& answer, bool rootless) {
  if (answer.cgroups == wire::Cgroups::kV1) return {Level::kOk, "cgroups", "v1", ""};
  if (answer.cgroups == wire::Cgroups::kV2) return {Level::kOk, "cgroups", "v2", ""};
  return {Level::kWarning, "cgroups",
          std::string("none: ") + answer.note +
              "; memory and processes are watched instead of limited, CPU shares are refused, idle "
              "instances are not frozen",
          rootless ? "systemd-run --user --scope -p Delegate=yes -- COMMAND"
                   : "mount -t cgroup2 none /sys/fs/cgroup, or give the container a writable one"};
}

// What a function has around it here at most; the other checks say how to get more.
IsolationCheck CheckLevel(const std::string& level) {
  if (level == "users") {
    return {Level::kOk, "isolation level", "users: the kernel's limits, a host user per sandbox",
            ""};
  }
  if (level == "limits") {
    return {Level::kWarning, "isolation level",
            "limits: the kernel's limits, but all sandboxes are the same host user and share its "
            "quotas",
            "run the engine as root"};
  }
  return {Level::kWarning, "isolation level",
          "none: namespaces, no capabilities, the system call filter; limits are watched, not "
          "enforced",
          "see docs/rootless.md"};
}

// Starts a real sandbox and has it answer.
Status TryOut(const LinuxSandboxOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const std::unique_ptr<Sandbox> sandbox, MakeLinuxSandbox(options));
  FunctionPackage package;
  package.name = "doctor";
  package.code_dir = "/usr";
  package.command = {"/bin/sh", "-c", "read line && echo \"$line\""};
  package.protocol = Protocol::kStdio;
  package.result_is_json = false;
  const Context context = Context::WithTimeout(std::chrono::seconds(10));
  NANOGRID_ASSIGN_OR_RETURN(const std::unique_ptr<Instance> instance,
                            sandbox->Start(context, package));
  NANOGRID_ASSIGN_OR_RETURN(
      const Outcome outcome,
      instance->Invoke(context, {.request_id = "doctor", .event = "alive\n"}, LogSink::Null()));
  if (outcome.result == "alive\n") return absl::OkStatus();
  return FailedPrecondition("a sandbox was started but did not answer: {}",
                            outcome.error ? outcome.error->message : outcome.result);
}

}  // namespace

IsolationReport InspectLinuxSandbox(const LinuxSandboxOptions& options) {
  IsolationReport report;
  report.checks = {CheckKernel(), CheckUserNamespaces(), CheckSeccomp(), CheckMemoryExec()};
  const Result<wire::Configure> configure = MakeConfigure(options);
  if (!configure.ok()) {
    report.checks.push_back(
        {Level::kError, "options", std::string(configure.status().message()), ""});
    return report;
  }
  SpawnerClient spawner(*configure);
  const Result<wire::Answer> answer = spawner.Describe();
  if (!answer.ok()) {
    report.checks.push_back({Level::kError, "spawner", std::string(answer.status().message()), ""});
    return report;
  }
  const bool rootless = answer->mode == wire::Mode::kRootless;
  report.mode = rootless ? "rootless" : "root";
  report.cgroups = answer->cgroups == wire::Cgroups::kV1   ? "v1"
                   : answer->cgroups == wire::Cgroups::kV2 ? "v2"
                                                           : "none";
  report.checks.push_back({Level::kOk, "mode",
                           rootless ? "rootless: every sandbox runs as the calling user's uid"
                                    : "root: every sandbox has an unprivileged uid of its own",
                           ""});
  report.checks.push_back(CheckCgroups(*answer, rootless));
  const bool has_limits = answer->cgroups != wire::Cgroups::kNone;
  report.level = !has_limits ? "none" : rootless ? "limits" : "users";
  report.checks.push_back(CheckLevel(report.level));
  const Status tried = TryOut(options);
  report.usable = tried.ok();
  report.checks.push_back({tried.ok() ? Level::kOk : Level::kError, "a real sandbox",
                           tried.ok() ? "started and answered" : std::string(tried.message()), ""});
  return report;
}

}  // namespace nanogrid
