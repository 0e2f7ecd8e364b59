#include "contenders.h"

#include <fmt/format.h>

#include "interleave.h"

namespace {

constexpr char kBubblewrap[] = "/usr/bin/bwrap";

// The nearest that bubblewrap comes to our sandbox. Equal: the namespaces, the mounts a function
// sees, the user it runs as, no capabilities, an empty environment. Ours alone: a seccomp filter,
// cgroup limits, rlimits, masks in /proc. So the comparison favours bubblewrap.
std::vector<std::string> BubblewrapCommand(const Workspace& workspace) {
  return {kBubblewrap,
          "--unshare-all",
          "--die-with-parent",
          "--new-session",
          "--clearenv",
          "--cap-drop",
          "ALL",
          "--uid",
          "1000",
          "--gid",
          "1000",
          "--hostname",
          "nanogrid",
          "--ro-bind",
          "/usr",
          "/usr",
          "--symlink",
          "usr/bin",
          "/bin",
          "--symlink",
          "usr/sbin",
          "/sbin",
          "--symlink",
          "usr/lib",
          "/lib",
          "--symlink",
          "usr/lib64",
          "/lib64",
          "--ro-bind-try",
          "/etc/ssl/certs",
          "/etc/ssl/certs",
          "--ro-bind-try",
          "/etc/alternatives",
          "/etc/alternatives",
          "--ro-bind",
          workspace.programs(),
          "/var/task",
          "--tmpfs",
          "/tmp",
          "--proc",
          "/proc",
          "--dev",
          "/dev",
          "--chdir",
          "/var/task",
          "--",
          "/var/task/tiny"};
}

nanogrid::Status CheckReturned(const nanogrid::Outcome& outcome) {
  if (outcome.ending == nanogrid::Ending::kReturned) return absl::OkStatus();
  return absl::InternalError(fmt::format("the function ended with {}: {}",
                                         nanogrid::ToString(outcome.ending),
                                         outcome.error ? outcome.error->message : ""));
}

}  // namespace

nanogrid::Status RunToEnd(const std::vector<std::string>& argv, Launcher launcher) {
  nanogrid::Result<ChildProcess> child = ChildProcess::Start(argv, Channel::kOutputOnly, launcher);
  if (!child.ok()) return child.status();
  return child->Finish().status();
}

nanogrid::Result<nanogrid::Duration> StartPlain(const Workspace& workspace, Launcher launcher) {
  return Timed([&] { return RunToEnd({workspace.tiny()}, launcher); });
}

nanogrid::Result<nanogrid::Duration> StartBubblewrapped(const Workspace& workspace) {
  return Timed([&] { return RunToEnd(BubblewrapCommand(workspace)); });
}

bool HasBubblewrap() { return access(kBubblewrap, X_OK) == 0; }

nanogrid::FunctionPackage TinyPackage(const Workspace& workspace) {
  nanogrid::FunctionPackage package;
  package.name = "tiny";
  package.version = 1;
  package.code_dir = workspace.programs();
  package.command = {"/var/task/tiny"};
  package.protocol = nanogrid::Protocol::kStdio;
  package.result_is_json = false;
  return package;
}

nanogrid::FunctionPackage EchoPackage(const Workspace& workspace) {
  nanogrid::FunctionPackage package;
  package.name = "echo";
  package.version = 1;
  package.code_dir = workspace.programs();
  package.command = {"/var/task/echo_function"};
  return package;
}

nanogrid::Result<nanogrid::Duration> StartSandboxed(const Workspace& workspace,
                                                    nanogrid::Sandbox& sandbox, Until until) {
  const nanogrid::FunctionPackage package = TinyPackage(workspace);
  std::unique_ptr<nanogrid::Instance> instance;
  const auto start = [&]() -> nanogrid::Status {
    auto started = sandbox.Start({}, package);
    if (!started.ok()) return started.status();
    instance = *std::move(started);
    const auto outcome = instance->Invoke({}, {.request_id = "bench"}, nanogrid::LogSink::Null());
    if (!outcome.ok()) return outcome.status();
    nanogrid::Status returned = CheckReturned(*outcome);
    if (until == Until::kGone) instance.reset();
    return returned;
  };
  return Timed(start);
}

nanogrid::Result<std::unique_ptr<nanogrid::Engine>> OpenEngine() {
  nanogrid::LocalOptions options;
  options.scheduler.freeze_after = std::chrono::hours(1);
  options.scheduler.keep_alive = std::chrono::hours(1);
  return nanogrid::OpenLocal(options);
}

nanogrid::Result<nanogrid::Outcome> InvokeChecked(nanogrid::Engine& engine,
                                                  const nanogrid::InvokeRequest& request,
                                                  nanogrid::StartKind start) {
  auto outcome = engine.Invoke({}, request);
  if (!outcome.ok()) return outcome;
  const nanogrid::Status returned = CheckReturned(*outcome);
  if (!returned.ok()) return returned;
  if (outcome->start != start) {
    return absl::InternalError(fmt::format(
        "the start was {}, not {}", nanogrid::ToString(outcome->start), nanogrid::ToString(start)));
  }
  return outcome;
}

std::string Payload(size_t size) { return '"' + std::string(size - 2, 'x') + '"'; }
