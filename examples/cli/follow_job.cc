#include "follow_job.h"

#include <algorithm>
#include <chrono>

namespace {

// How long somebody who looks waits for what a function prints.
constexpr nanogrid::Duration kLook = std::chrono::milliseconds(50);
constexpr nanogrid::Duration kSlowestLook = std::chrono::milliseconds(500);

}  // namespace

nanogrid::Status CopyLog(const nanogrid::Context& context, nanogrid::Controller& controller,
                         std::string_view id, uint64_t& offset, nanogrid::LogSink& log) {
  for (;;) {
    const nanogrid::Result<nanogrid::LogChunk> chunk = controller.ReadLog(context, id, offset);
    if (!chunk.ok()) return chunk.status();
    if (chunk->bytes.empty()) return absl::OkStatus();
    log.Write(chunk->bytes);
    offset = chunk->next;
  }
}

nanogrid::Result<nanogrid::Job> FollowJob(const nanogrid::Context& context,
                                          nanogrid::Controller& controller, std::string_view id,
                                          nanogrid::LogSink& log) {
  uint64_t offset = 0;
  std::string cursor, progress;
  nanogrid::Duration look = kLook;
  for (;;) {
    const nanogrid::TimePoint now = std::chrono::steady_clock::now();
    const nanogrid::Context soon{std::min(context.deadline, now + look), context.stop};
    const auto events = controller.Events(soon, id, cursor);
    if (!events.ok() && !absl::IsDeadlineExceeded(events.status())) return events.status();
    const bool news = events.ok() && !events->empty();
    look = news ? kLook : std::min(look * 5 / 4, kSlowestLook);
    if (news) {
      cursor = events->back().cursor;
      for (const nanogrid::JobEvent& event : *events) {
        if (event.progress.empty() || event.progress == progress) continue;
        progress = event.progress;
        log.Progress(progress);
      }
    }
    // What was printed before the end is in the log before the end is known.
    const bool ended = news && nanogrid::IsTerminal(events->back().state);
    const uint64_t before = offset;
    const nanogrid::Status copied = CopyLog(context, controller, id, offset, log);
    if (!copied.ok()) return copied;
    if (offset != before) look = kLook;
    if (ended) return controller.GetJob(context, id);
    const nanogrid::Status status = context.Check(std::chrono::steady_clock::now());
    if (!status.ok()) return status;
  }
}
