#include "sandbox/docker/owner.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

namespace nanogrid::docker {
namespace {

struct Owner {
  std::string boot{};
  std::string pid_namespace{};
  std::string pid{};
  std::string start_time{};  // field 22 of /proc/PID/stat, in clock ticks since the boot
};

std::string StartTime(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/stat");
  const std::string stat{std::istreambuf_iterator<char>(in), {}};
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return fields ? field : "";
}

std::string Boot() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string boot;
  in >> boot;
  return boot;
}

std::string PidNamespace() {
  std::array<char, 64> link{};
  const ssize_t size = ::readlink("/proc/self/ns/pid", link.data(), link.size());
  return size > 0 ? std::string(link.data(), static_cast<size_t>(size)) : "";
}

}  // namespace

std::string OwnerOfThisProcess() {
  const std::string pid = std::to_string(::getpid());
  return Boot() + " " + PidNamespace() + " " + pid + " " + StartTime(pid);
}

bool OwnerIsGone(std::string_view owner) {
  std::istringstream in{std::string(owner)};
  Owner named;
  std::string more;
  in >> named.boot >> named.pid_namespace >> named.pid >> named.start_time;
  if (!in || in >> more) return false;
  if (named.boot != Boot()) return true;
  if (named.pid_namespace != PidNamespace()) return false;
  if (named.pid.find_first_not_of("0123456789") != std::string::npos) return false;
  return StartTime(named.pid) != named.start_time;
}

}  // namespace nanogrid::docker
