// A host that tests kill: starts instances as it is told, says so, and waits for its end.
//   sandbox_host root|rootless|none PROGRAMS COUNT MARKER idle|frozen|busy
// "none": as root, without control groups.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "nanogrid/adapters/linux_sandbox.h"

namespace {

using nanogrid::Instance;
using nanogrid::LinuxSandboxOptions;

int Fail(const nanogrid::Status& status) {
  std::printf("%s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string_view setup = argv[1], state = argv[5];
  LinuxSandboxOptions options;
  options.mode =
      setup == "rootless" ? LinuxSandboxOptions::Mode::kRootless : LinuxSandboxOptions::Mode::kRoot;
  if (setup == "none") options.cgroups = LinuxSandboxOptions::Cgroups::kNone;
  auto sandbox = nanogrid::MakeLinuxSandbox(options);
  if (!sandbox.ok()) return Fail(sandbox.status());

  nanogrid::FunctionPackage package;
  package.name = "of-a-host";
  package.code_dir = argv[2];
  package.command = {"/var/task/frame_server", "-", argv[4]};
  std::vector<std::unique_ptr<Instance>> instances;
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    auto instance = (*sandbox)->Start({}, package);
    if (!instance.ok()) return Fail(instance.status());
    const auto outcome =
        (*instance)->Invoke({}, {.request_id = "1", .event = "count"}, nanogrid::LogSink::Null());
    if (!outcome.ok()) return Fail(outcome.status());
    if (state == "frozen") {
      if (const nanogrid::Status frozen = (*instance)->Freeze(); !frozen.ok()) return Fail(frozen);
    }
    instances.push_back(*std::move(instance));
  }
  // Says so itself when it is in the middle of it.
  struct Announce final : nanogrid::LogSink {
    void Write(std::string_view) override {
      std::puts("ready");
      std::fflush(stdout);
    }
  } announce;
  if (state == "busy") {
    (void)instances.at(0)->Invoke({}, {.request_id = "2", .event = "wait"}, announce);
  } else {
    announce.Write("");
  }
  for (;;) pause();
}
