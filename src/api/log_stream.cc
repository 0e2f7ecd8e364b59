#include <algorithm>
#include <atomic>

#include "api/query.h"
#include "api/stream_pump.h"
#include "core/errors.h"

namespace nanogrid {
namespace {

constexpr size_t kPiece = 64 << 10;
constexpr Duration kFirstLook = std::chrono::milliseconds(50);
constexpr Duration kLastLook = std::chrono::milliseconds(800);

// Nobody announces that a log has grown: looks for it, less often while it is quiet.
class LogStream final : public StreamPump {
 public:
  LogStream(const StreamParts& parts, ApiCall call) : StreamPump(parts), call_(std::move(call)) {}

 private:
  Result<bool> Open() override {
    Query query(call_.target);
    NANOGRID_RETURN_IF_ERROR(query.Flag("follow").status());
    NANOGRID_ASSIGN_OR_RETURN(offset_, query.Number("offset", 0, UINT64_MAX, 0));
    NANOGRID_RETURN_IF_ERROR(query.Finish());
    job_id_ = call_.parameter;
    Subscribe(job_id_);
    NANOGRID_ASSIGN_OR_RETURN(const Job job, controller().GetJob(parts_.calls.context(), job_id_));
    if (IsTerminal(job.state)) over_ = true;
    HttpResponse head;
    head.headers.Add("Content-Type", "text/plain; charset=utf-8");
    head.headers.Add("Cache-Control", "no-store");
    parts_.responder->Begin(std::move(head), "");
    call_ = {};
    return false;
  }

  Result<Step> Pump() override {
    // Asked before reading: a job's log is complete before the job has ended.
    const bool over = over_;
    NANOGRID_ASSIGN_OR_RETURN(
        LogChunk chunk, controller().ReadLog(parts_.calls.context(), job_id_, offset_, kPiece));
    offset_ = chunk.next;
    if (!chunk.bytes.empty()) {
      look_ = kFirstLook;
      return Step{.bytes = std::move(chunk.bytes), .next = Next::kAgain};
    }
    if (over) return Step{.next = Next::kEnd};
    WakeAfter(look_);
    look_ = std::min(look_ * 2, kLastLook);
    return Step{.next = Next::kWait};
  }

  bool Matters(const JobEvent& event) override {
    if (!IsTerminal(event.state)) return false;
    over_ = true;
    return true;
  }

  ApiCall call_;
  std::string job_id_{};
  uint64_t offset_ = 0;
  Duration look_ = kFirstLook;
  std::atomic<bool> over_ = false;
};

}  // namespace

void StartLogStream(const StreamParts& parts, ApiCall call) {
  std::make_shared<LogStream>(parts, std::move(call))->Start();
}

}  // namespace nanogrid
