#include "fleet/open_mirror.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <iterator>

#include "core/errors.h"

namespace nanogrid {
namespace {

constexpr int kMaxProcesses = 256;  // of one machine, on one outbox

}  // namespace

Result<std::unique_ptr<MirroredStore>> OpenMirror(
    const std::string& outbox,
    const std::function<Result<std::unique_ptr<MirroredStore>>(const std::string& directory)>&
        make) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(outbox).parent_path(), ignored);
  if (::mkdir(outbox.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoError(errno, "outbox " + outbox);
  }
  for (int i = 0; i < kMaxProcesses; ++i) {
    auto mirror = make(fmt::format("{}/{}", outbox, i));
    if (mirror.status().code() != absl::StatusCode::kAlreadyExists) return mirror;
  }
  return MakeError(absl::StatusCode::kResourceExhausted,
                   "outbox {}: {} processes use it, and no more can", outbox, kMaxProcesses);
}

void AppendMirrorMetrics(const MirrorStats& stats, std::string& text) {
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           uint64_t value) {
    fmt::format_to(std::back_inserter(text), "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name,
                   help, type, value);
  };
  add("nanogrid_mirror_pending", "gauge", "Objects of which a store lacks something.",
      stats.pending);
  add("nanogrid_mirror_pending_bytes", "gauge", "Content that is in the outbox only.",
      stats.pending_bytes);
  add("nanogrid_mirror_copied_total", "counter", "Objects copied.", stats.copied);
  add("nanogrid_mirror_failed_attempts_total", "counter", "Copies to be tried again.",
      stats.failed_attempts);
  add("nanogrid_mirror_conflicts_total", "counter", "Writes dropped for somebody else's.",
      stats.conflicts);
  add("nanogrid_mirror_fallback_reads_total", "counter", "Reads answered by the second store.",
      stats.fallback_reads);
}

}  // namespace nanogrid
