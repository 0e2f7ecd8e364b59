#include "api/event_parser.h"

#include <utility>

namespace nanogrid {
namespace {

constexpr size_t kMaxEvent = 1 << 20;

}  // namespace

Status EventParser::Feed(std::string_view bytes, const OnData& on_data) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > kMaxEvent) {
      return absl::ResourceExhaustedError("the server sent an event that is too long");
    }
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    const std::string line = std::exchange(line_, {});
    if (Status status = TakeLine(line, on_data); !status.ok()) return status;
  }
  return absl::OkStatus();
}

Status EventParser::TakeLine(std::string_view line, const OnData& on_data) {
  if (line.empty()) {
    if (!has_data_) return absl::OkStatus();
    has_data_ = false;
    const std::string data = std::exchange(data_, {});
    return on_data(data);
  }
  constexpr std::string_view kData = "data:";
  if (!line.starts_with(kData)) return absl::OkStatus();  // comments, ids and names
  line.remove_prefix(kData.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += line;
  has_data_ = true;
  return absl::OkStatus();
}

}  // namespace nanogrid
