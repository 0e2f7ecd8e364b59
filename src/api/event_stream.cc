// Server-sent events. The store is what is sent; what the controller announces is only the hint
// that there is more in it. So events come in order, once, and from wherever a client left off.
#include <fmt/format.h>

#include <iterator>

#include "api/query.h"
#include "api/stream_pump.h"
#include "core/errors.h"
#include "nanogrid/records_json.h"

namespace nanogrid {
namespace {

constexpr size_t kPage = 100;
constexpr char kComment[] = ":\n\n";

class EventStream final : public StreamPump {
 public:
  EventStream(const StreamParts& parts, ApiCall call) : StreamPump(parts), call_(std::move(call)) {}

 private:
  Result<bool> Open() override {
    Query query(call_.target);
    const bool of_job = call_.route == Route::kJobEvents;
    NANOGRID_ASSIGN_OR_RETURN(cursor_, query.Text("cursor"));
    NANOGRID_ASSIGN_OR_RETURN(const std::string from, of_job ? "" : query.Text("from"));
    NANOGRID_RETURN_IF_ERROR(query.Finish());
    if (!from.empty() && from != "now" && from != "start") {
      return InvalidArgument("from: '{}', must be now or start", from);
    }
    if (const std::string* last = call_.request.headers.Find("Last-Event-ID")) cursor_ = *last;
    // Of one job everything is told; of all, what happens from now on.
    if (!of_job && cursor_.empty() && from != "start") {
      NANOGRID_ASSIGN_OR_RETURN(cursor_, controller().EventsEnd(parts_.calls.context()));
    }
    if (of_job) job_id_ = call_.parameter;
    Subscribe(job_id_);
    if (of_job) {
      NANOGRID_ASSIGN_OR_RETURN(const Job job,
                                controller().GetJob(parts_.calls.context(), job_id_));
      over_ = IsTerminal(job.state);
    }
    // A cursor that is none is an error, and a browser that has seen the end shall not come again.
    NANOGRID_ASSIGN_OR_RETURN(first_, Read());
    if (over_ && first_.empty()) {
      parts_.responder->Send({.status = 204});
      return true;
    }
    HttpResponse head;
    head.headers.Add("Content-Type", "text/event-stream");
    head.headers.Add("Cache-Control", "no-store");
    // Where it begins: a client that is cut off before the first event resumes here.
    if (!cursor_.empty()) head.headers.Add("NanoGrid-Cursor", cursor_);
    parts_.responder->Begin(std::move(head), kComment);
    // For clients that see a header only once something follows it.
    parts_.responder->Write(kComment, {});
    call_ = {};
    return false;
  }

  Result<Step> Pump() override {
    std::vector<JobEvent> events = std::exchange(first_, {});
    if (events.empty()) {
      NANOGRID_ASSIGN_OR_RETURN(events, Read());
    }
    if (events.empty()) return Step{.next = over_ ? Next::kEnd : Next::kWait};
    // Of all jobs there may be thousands of events a second.
    const Next caught_up = job_id_.empty() ? Next::kRest : Next::kWait;
    Step step{.next = events.size() == kPage ? Next::kAgain : caught_up};
    for (const JobEvent& event : events) {
      const bool progress = event.state == JobState::kProcessing && !event.progress.empty();
      fmt::format_to(std::back_inserter(step.bytes), "id: {}\nevent: {}\ndata: {}\n\n",
                     event.cursor, progress ? "progress" : "state", EventJson(event));
      if (!job_id_.empty() && IsTerminal(event.state)) step.next = Next::kEnd;
    }
    const std::lock_guard lock(mutex_);
    cursor_ = events.back().cursor;
    return step;
  }

  bool Matters(const JobEvent& event) override {
    const std::lock_guard lock(mutex_);
    return event.cursor != cursor_;
  }

  Result<std::vector<JobEvent>> Read() {
    Context look = parts_.calls.context();
    look.deadline = {};  // long ago: does not wait: announcements tell when to look again
    std::string cursor;
    {
      const std::lock_guard lock(mutex_);
      cursor = cursor_;
    }
    return controller().Events(look, job_id_, cursor, kPage);
  }

  ApiCall call_;
  std::string job_id_{};
  bool over_ = false;  // when the stream began
  std::vector<JobEvent> first_{};
  std::mutex mutex_{};
  std::string cursor_{};  // of the last event that was read
};

}  // namespace

void StartEventStream(const StreamParts& parts, ApiCall call) {
  std::make_shared<EventStream>(parts, std::move(call))->Start();
}

}  // namespace nanogrid
