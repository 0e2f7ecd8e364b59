#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/errors.h"
#include "nanogrid/adapters/linux_sandbox.h"
#include "sandbox/common/launch_block.h"
#include "sandbox/linux/linux_instance.h"
#include "sandbox/linux/sandbox_options.h"

namespace nanogrid {
namespace {

constexpr uint64_t kBytesPerInode = 8192;  // of /tmp: as many small files as fit comfortably
constexpr uint64_t kMinInodes = 256;
constexpr double kCpuPeriodUs = 100'000;
constexpr uint64_t kMinQuotaUs = 1000;  // the kernel's

bool CopyPath(const std::string& from, char (&to)[wire::kMaxPath]) {
  if (from.size() >= sizeof(to) || from.find('\0') != std::string::npos) return false;
  std::memcpy(to, from.c_str(), from.size() + 1);
  return true;
}

Result<wire::Start> MakeRequest(const FunctionPackage& package) {
  wire::Start start;
  const Limits& limits = package.limits;
  start.memory = limits.memory;
  if (limits.cpus > 0) {
    start.cpu_quota_us =
        std::max(kMinQuotaUs, static_cast<uint64_t>(std::llround(limits.cpus * kCpuPeriodUs)));
  }
  start.max_processes = limits.max_processes;
  start.tmp_size = limits.tmp_size;
  start.tmp_inodes = std::max(kMinInodes, limits.tmp_size / kBytesPerInode);
  start.max_open_files = limits.max_open_files;
  start.host_network = package.grants.network == Network::kHost ? 1 : 0;
  start.frames = package.protocol == Protocol::kFrames ? 1 : 0;
  if (package.code_dir.empty() || package.code_dir[0] != '/' ||
      !CopyPath(package.code_dir, start.code_dir)) {
    return InvalidArgument("code_dir: '{}' is not a usable absolute path", package.code_dir);
  }
  if (!package.root.empty() && (package.root[0] != '/' || !CopyPath(package.root, start.root))) {
    return InvalidArgument("root: '{}' is not a usable absolute path", package.root);
  }
  const std::string domain = fmt::format("{}@{}@{}", package.name, package.version, package.tenant);
  if (domain.size() >= sizeof(start.trust_domain)) {
    return InvalidArgument("name and tenant: more than {} bytes together",
                           sizeof(start.trust_domain) - 23);
  }
  std::memcpy(start.trust_domain, domain.c_str(), domain.size() + 1);
  return start;
}

class LinuxSandbox final : public Sandbox {
 public:
  explicit LinuxSandbox(std::shared_ptr<SpawnerClient> spawner) : spawner_(std::move(spawner)) {}

  Result<std::unique_ptr<Instance>> Start(const Context& context,
                                          const FunctionPackage& package) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    NANOGRID_ASSIGN_OR_RETURN(wire::Start request, MakeRequest(package));
    NANOGRID_ASSIGN_OR_RETURN(const UniqueFd launch, MakeLaunchBlock(package.command, package.env));
    InstancePipes ours;
    InstancePipeEnds theirs;
    NANOGRID_RETURN_IF_ERROR(MakeInstancePipes(ours, theirs));
    int fds[wire::kStartFdCount];
    fds[wire::kInput] = ours.input_end.get();
    fds[wire::kOutput] = theirs.output.get();
    fds[wire::kLog] = theirs.log.get();
    fds[wire::kControl] = theirs.control.get();
    fds[wire::kLaunch] = launch.get();
    NANOGRID_ASSIGN_OR_RETURN(SpawnedInstance spawned, spawner_->Start(request, fds));
    return std::make_unique<LinuxInstance>(package, spawner_, std::move(spawned), std::move(ours));
  }

 private:
  std::shared_ptr<SpawnerClient> spawner_;
};

}  // namespace

Result<wire::Configure> MakeConfigure(const LinuxSandboxOptions& options) {
  wire::Configure configure;
  if (!CopyPath(options.runtime_dir, configure.runtime_dir)) {
    return InvalidArgument("runtime_dir: '{}' is not a usable path", options.runtime_dir);
  }
  switch (options.mode) {
    case LinuxSandboxOptions::Mode::kAuto:
      configure.mode = wire::Mode::kAuto;
      break;
    case LinuxSandboxOptions::Mode::kRoot:
      configure.mode = wire::Mode::kRoot;
      break;
    case LinuxSandboxOptions::Mode::kRootless:
      configure.mode = wire::Mode::kRootless;
      break;
  }
  switch (options.cgroups) {
    case LinuxSandboxOptions::Cgroups::kAuto:
      configure.cgroups = wire::Cgroups::kAuto;
      break;
    case LinuxSandboxOptions::Cgroups::kV1:
      configure.cgroups = wire::Cgroups::kV1;
      break;
    case LinuxSandboxOptions::Cgroups::kV2:
      configure.cgroups = wire::Cgroups::kV2;
      break;
    case LinuxSandboxOptions::Cgroups::kNone:
      configure.cgroups = wire::Cgroups::kNone;
      break;
  }
  switch (options.required) {
    case LinuxSandboxOptions::Isolation::kNone:
      configure.required = wire::Isolation::kNone;
      break;
    case LinuxSandboxOptions::Isolation::kLimits:
      configure.required = wire::Isolation::kLimits;
      break;
    case LinuxSandboxOptions::Isolation::kUsers:
      configure.required = wire::Isolation::kUsers;
      break;
  }
  return configure;
}

Result<std::unique_ptr<Sandbox>> MakeLinuxSandbox(const LinuxSandboxOptions& options) {
  return MakeFaultyLinuxSandbox(options, 0);
}

Result<std::unique_ptr<Sandbox>> MakeFaultyLinuxSandbox(const LinuxSandboxOptions& options,
                                                        int32_t fault_step) {
  NANOGRID_ASSIGN_OR_RETURN(wire::Configure configure, MakeConfigure(options));
  configure.fault_step = fault_step;
  return std::make_unique<LinuxSandbox>(std::make_shared<SpawnerClient>(configure));
}

Result<std::unique_ptr<Sandbox>> MakeLinuxSandbox(const Uri& uri) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({"mode", "cgroups", "required"}));
  if (!uri.path.empty() || uri.has_authority) {
    return InvalidArgument("linux: takes no path or host, got '{}'", uri.ToString());
  }
  using Options = LinuxSandboxOptions;
  const std::map<std::string, Options::Mode> modes = {{"auto", Options::Mode::kAuto},
                                                      {"root", Options::Mode::kRoot},
                                                      {"rootless", Options::Mode::kRootless}};
  const std::map<std::string, Options::Cgroups> cgroups = {{"auto", Options::Cgroups::kAuto},
                                                           {"v1", Options::Cgroups::kV1},
                                                           {"v2", Options::Cgroups::kV2},
                                                           {"none", Options::Cgroups::kNone}};
  const std::map<std::string, Options::Isolation> levels = {{"none", Options::Isolation::kNone},
                                                            {"limits", Options::Isolation::kLimits},
                                                            {"users", Options::Isolation::kUsers}};
  Options options;
  const auto choose = [&](const char* key, const auto& choices, auto& field) {
    const auto given = uri.query.find(key);
    if (given == uri.query.end()) return absl::OkStatus();
    const auto found = choices.find(given->second);
    if (found == choices.end()) {
      std::string known;
      for (const auto& choice : choices) known += " " + choice.first;
      return InvalidArgument("linux:?{}={}: must be one of{}", key, given->second, known);
    }
    field = found->second;
    return absl::OkStatus();
  };
  NANOGRID_RETURN_IF_ERROR(choose("mode", modes, options.mode));
  NANOGRID_RETURN_IF_ERROR(choose("cgroups", cgroups, options.cgroups));
  NANOGRID_RETURN_IF_ERROR(choose("required", levels, options.required));
  return MakeLinuxSandbox(options);
}

}  // namespace nanogrid
