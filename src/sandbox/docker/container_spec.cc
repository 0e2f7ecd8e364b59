#include "sandbox/docker/container_spec.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <string_view>

#include "sandbox/docker/seccomp_profile.h"

namespace nanogrid::docker {
namespace {

namespace json = boost::json;

constexpr uint64_t kBytesPerInode = 8192;  // of /tmp: as many small files as fit comfortably
constexpr uint64_t kMinInodes = 256;
constexpr uint64_t kSharedMemoryPart = 4;  // of /tmp's size, in /dev/shm besides
constexpr double kNanoCpus = 1e9;
constexpr int64_t kMinNanoCpus = 10'000'000;  // the kernel's: 1 ms per 100 ms
constexpr uint32_t kInitProcesses = 1;        // pid 1 is ours, not the function's

// What tells of the host, or leads into the kernel. Names that a kernel has not are passed over.
constexpr std::string_view kMasked[] = {"/proc/acpi",
                                        "/proc/allocinfo",
                                        "/proc/asound",
                                        "/proc/bus",
                                        "/proc/cmdline",
                                        "/proc/config.gz",
                                        "/proc/diskstats",
                                        "/proc/driver",
                                        "/proc/fs",
                                        "/proc/interrupts",
                                        "/proc/iomem",
                                        "/proc/ioports",
                                        "/proc/irq",
                                        "/proc/kallsyms",
                                        "/proc/kcore",
                                        "/proc/key-users",
                                        "/proc/keys",
                                        "/proc/kmsg",
                                        "/proc/kpagecgroup",
                                        "/proc/kpagecount",
                                        "/proc/kpageflags",
                                        "/proc/latency_stats",
                                        "/proc/locks",
                                        "/proc/modules",
                                        "/proc/mtrr",
                                        "/proc/pagetypeinfo",
                                        "/proc/partitions",
                                        "/proc/sched_debug",
                                        "/proc/scsi",
                                        "/proc/slabinfo",
                                        "/proc/softirqs",
                                        "/proc/swaps",
                                        "/proc/sysrq-trigger",
                                        "/proc/timer_list",
                                        "/proc/timer_stats",
                                        "/proc/tty",
                                        "/proc/vmallocinfo",
                                        "/proc/vmcore",
                                        "/dev/mqueue",
                                        "/sys"};
constexpr std::string_view kReadOnly[] = {"/proc/sys"};

json::string Text(std::string_view text) { return json::string(text.data(), text.size()); }

template <typename Range>
json::array Texts(const Range& texts) {
  json::array list;
  for (const std::string_view text : texts) list.push_back(Text(text));
  return list;
}

json::object Bind(std::string_view source, std::string_view target) {
  // Not recursive: a read-only mount's sub-mounts would be writable.
  return {{"Type", "bind"},
          {"Source", Text(source)},
          {"Target", Text(target)},
          {"ReadOnly", true},
          {"BindOptions", {{"Propagation", "rprivate"}, {"NonRecursive", true}}}};
}

// The owner matters where the image's directory has a mode of its own, which runc keeps.
std::string TmpfsOptions(uint64_t size, uint32_t uid) {
  return fmt::format("rw,exec,nosuid,nodev,mode=1777,uid={0},gid={0},size={1},nr_inodes={2}", uid,
                     size, std::max(kMinInodes, size / kBytesPerInode));
}

json::object Tmpfs(const FunctionPackage& package, const ContainerSpec& spec) {
  json::object tmpfs;
  // A volume of the image's would be a writable place on the host's disk, without a bound.
  for (const std::string& path : spec.image_volumes) {
    tmpfs[path] = "ro,noexec,nosuid,nodev,mode=0555,size=4096,nr_inodes=2";
  }
  tmpfs["/tmp"] = Text(TmpfsOptions(package.limits.tmp_size, spec.uid));
  tmpfs["/dev/shm"] = Text(TmpfsOptions(
      std::max<uint64_t>(package.limits.tmp_size / kSharedMemoryPart, 1 << 16), spec.uid));
  return tmpfs;
}

json::array Ulimits(const Limits& limits) {
  json::array list;
  const auto add = [&](const char* name, uint64_t value) {
    list.push_back(json::object{{"Name", name}, {"Soft", value}, {"Hard", value}});
  };
  add("nofile", limits.max_open_files);
  add("core", 0);
  add("memlock", 64 << 10);
  add("msgqueue", 0);
  add("nice", 0);
  add("rtprio", 0);
  add("stack", 8 << 20);
  return list;
}

void AddLimits(const Limits& limits, json::object& host) {
  host["Memory"] = limits.memory;
  host["MemorySwap"] = limits.memory;  // no swap besides
  host["PidsLimit"] = limits.max_processes + kInitProcesses;
}

json::object HostConfig(const FunctionPackage& package, const ContainerSpec& spec) {
  json::array mounts;
  mounts.push_back(Bind(spec.shared_dir, kSharedPath));
  mounts.push_back(Bind(package.code_dir, "/var/task"));
  if (!spec.runtime_dir.empty()) mounts.push_back(Bind(spec.runtime_dir, "/var/runtime"));
  json::object host = {
      {"AutoRemove", false},
      {"CapDrop", json::array{"ALL"}},
      {"CgroupnsMode", "private"},
      {"Init", false},
      {"IpcMode", "none"},  // an own namespace; /dev/shm is ours, with a bound on inodes
      {"LogConfig", {{"Type", "none"}}},
      {"MaskedPaths", Texts(kMasked)},
      {"Mounts", std::move(mounts)},
      {"NetworkMode", package.grants.network == Network::kHost ? "host" : "none"},
      {"Privileged", false},
      {"ReadonlyPaths", Texts(kReadOnly)},
      {"ReadonlyRootfs", true},
      {"RestartPolicy", {{"Name", "no"}}},
      {"SecurityOpt",
       json::array{"no-new-privileges", Text(std::string("seccomp=").append(SeccompProfile()))}},
      {"Tmpfs", Tmpfs(package, spec)},
      {"Ulimits", Ulimits(package.limits)},
  };
  Limits at_start = package.limits;
  at_start.memory = std::max(at_start.memory, kMinStartMemory);
  at_start.max_processes = std::max(at_start.max_processes, kMinStartProcesses);
  AddLimits(at_start, host);
  if (package.limits.cpus > 0) {
    host["NanoCpus"] =
        std::max<int64_t>(kMinNanoCpus, std::llround(package.limits.cpus * kNanoCpus));
  }
  return host;
}

}  // namespace

std::string CreateRequest(const FunctionPackage& package, const ContainerSpec& spec) {
  json::object request = {
      {"Image", Text(spec.image_id)},
      {"Hostname", "nanogrid"},
      {"User", Text(fmt::format("{0}:{0}", spec.uid))},
      {"Entrypoint", json::array{Text(std::string(kSharedPath) + "/init")}},
      {"Cmd", json::array()},
      {"Env", json::array()},
      {"WorkingDir", "/var/task"},
      {"Healthcheck", {{"Test", json::array{"NONE"}}}},
      {"Labels",
       {{kOwnerLabel, Text(spec.owner)},
        {kFunctionLabel, Text(fmt::format("{}@{}", package.name, package.version))}}},
      {"HostConfig", HostConfig(package, spec)},
  };
  // The host's network has the host's name.
  if (package.grants.network == Network::kHost) request.erase("Hostname");
  return json::serialize(request);
}

std::string LimitsUpdate(const Limits& limits) {
  if (limits.memory >= kMinStartMemory && limits.max_processes >= kMinStartProcesses) return {};
  json::object update;
  AddLimits(limits, update);
  return json::serialize(update);
}

}  // namespace nanogrid::docker
