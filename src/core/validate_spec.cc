// Whether a function, as described, can be.
#include <algorithm>

#include "core/errors.h"
#include "core/names.h"
#include "nanogrid/records_json.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

constexpr uint64_t kMaxBytes = 16ull << 40;  // 16T, more than any machine has
constexpr size_t kMaxHandlerBytes = 512;
constexpr size_t kMaxImageBytes = 255;
constexpr size_t kMaxPathBytes = 4095;

Status CheckSize(std::string_view what, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return InvalidArgument("{} {}: must be {} to {}", what, FormatSize(value), FormatSize(min),
                         FormatSize(max));
}

Status CheckCount(std::string_view what, uint32_t value, uint32_t min, uint32_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return InvalidArgument("{} {}: must be {} to {}", what, value, min, max);
}

Status CheckLimits(const Limits& limits) {
  NANOGRID_RETURN_IF_ERROR(CheckSize("memory", limits.memory, 4 << 20, kMaxBytes));
  if (limits.cpus != 0 && !(limits.cpus >= 0.01 && limits.cpus <= 1024)) {
    return InvalidArgument("cpus {}: must be 0.01 to 1024, or 0 for no limit", limits.cpus);
  }
  constexpr Duration kShortest = std::chrono::milliseconds(1);
  constexpr Duration kLongest = std::chrono::hours(24 * 10'000);
  if (limits.timeout && (*limits.timeout < kShortest || *limits.timeout > kLongest)) {
    return InvalidArgument("timeout {}: must be 1ms to 10000d, or none",
                           FormatDuration(*limits.timeout));
  }
  // A tmpfs of size 0 would have no limit at all (tmpfs(5)).
  NANOGRID_RETURN_IF_ERROR(CheckSize("tmp_size", limits.tmp_size, 4 << 10, kMaxBytes));
  NANOGRID_RETURN_IF_ERROR(CheckCount("max_processes", limits.max_processes, 1, 32768));
  NANOGRID_RETURN_IF_ERROR(CheckCount("max_open_files", limits.max_open_files, 16, 1 << 20));
  NANOGRID_RETURN_IF_ERROR(CheckSize("max_output", limits.max_output, 1 << 10, 1 << 30));
  return CheckCount("max_files", limits.max_files, 0, 100'000);
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Status CheckText(std::string_view what, std::string_view text, size_t max) {
  if (text.size() > max) {
    return InvalidArgument("{} of {} bytes: at most {}", what, text.size(), max);
  }
  if (HasControlCharacter(text)) {
    return InvalidArgument("{}: must not have control characters", what);
  }
  return absl::OkStatus();
}

Status CheckSandbox(const FunctionSpec& spec) {
  NANOGRID_RETURN_IF_ERROR(CheckText("sandbox", spec.sandbox, 64));
  if (spec.sandbox.empty()) return InvalidArgument("sandbox '': must be 'linux' or 'docker'");
  NANOGRID_RETURN_IF_ERROR(CheckText("image", spec.image, kMaxImageBytes));
  if (!spec.image.empty() && spec.sandbox == "linux") {
    return InvalidArgument(
        "image '{}': sandbox linux runs in a directory, 'root'; use sandbox docker", spec.image);
  }
  if (!spec.root.empty() && spec.sandbox == "docker") {
    return InvalidArgument("root '{}': sandbox docker runs in an 'image'; use sandbox linux",
                           spec.root);
  }
  NANOGRID_RETURN_IF_ERROR(CheckText("root", spec.root, kMaxPathBytes));
  if (!spec.root.empty() && spec.root[0] != '/') {
    return InvalidArgument("root '{}': must be an absolute path", spec.root);
  }
  return absl::OkStatus();
}

}  // namespace

Status ValidateSpec(const FunctionSpec& spec) {
  NANOGRID_RETURN_IF_ERROR(CheckFunctionName(spec.name));
  NANOGRID_RETURN_IF_ERROR(CheckText("runtime", spec.runtime, 64));
  NANOGRID_RETURN_IF_ERROR(CheckText("handler", spec.handler, kMaxHandlerBytes));
  NANOGRID_RETURN_IF_ERROR(CheckEnvironment(spec.env));
  NANOGRID_RETURN_IF_ERROR(CheckLimits(spec.limits));
  NANOGRID_RETURN_IF_ERROR(ValidateRetry(spec.retry));
  return CheckSandbox(spec);
}

}  // namespace nanogrid
