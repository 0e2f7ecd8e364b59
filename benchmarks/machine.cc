#include "machine.h"

#include <fmt/format.h>
#include <nanogrid/adapters/linux_sandbox.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

namespace {

std::string CpuModel() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

void AddMachineFacts(Report& report) {
  report.AddFact("nanogrid",
                 NANOGRID_VERSION " (" NANOGRID_BUILD_TYPE ", compiler " __VERSION__ ")");
  utsname names{};
  uname(&names);
  report.AddFact("kernel", fmt::format("{} {}", names.sysname, names.release));
  report.AddFact("cpus", fmt::format("{} x {}", std::thread::hardware_concurrency(), CpuModel()));
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load);
  report.AddFact("load", load + " (what else runs here blurs everything below)");
  const nanogrid::IsolationReport isolation = nanogrid::InspectLinuxSandbox();
  report.AddFact("sandbox", isolation.usable
                                ? fmt::format("{}, cgroups {}", isolation.mode, isolation.cgroups)
                                : "unusable: see nanogrid doctor");
}
