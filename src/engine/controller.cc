// The controller: what callers ask, answered from the job store.
#include "nanogrid/controller.h"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/names.h"
#include "engine/controller_events.h"
#include "engine/job_batches.h"
#include "engine/job_life.h"
#include "engine/job_message.h"
#include "engine/job_objects.h"
#include "engine/job_parts.h"
#include "engine/submit.h"
#include "engine/sweeper.h"

namespace nanogrid {
namespace {

constexpr Duration kSendTimeout = std::chrono::seconds(10);

class StoreController final : public Controller {
 public:
  StoreController(ControllerParts parts, std::string events_end)
      : parts_(std::move(parts)),
        events_(*parts_.jobs, std::move(events_end), *parts_.observer),
        messages_(Queue::kMaxBatch,
                  [this](const Context& context, std::span<const Message> batch) {
                    return SendNow(context, batch);
                  }),
        sweeper_(parts_, [this](const Job& job) { Send(job); }) {}

  Result<Job> Submit(const Context& context, const SubmitRequest& request) override {
    NANOGRID_RETURN_IF_ERROR(CheckSubmit(request, parts_.options));
    NANOGRID_ASSIGN_OR_RETURN(
        const FunctionVersion version,
        parts_.engine->CheckInvoke(context, request.function, request.qualifier, request.event,
                                   request.tenant));
    NANOGRID_ASSIGN_OR_RETURN(const Job job, PrepareJob(context, request, version, *parts_.objects,
                                                        parts_.clock->WallNow()));
    NANOGRID_ASSIGN_OR_RETURN(Job created,
                              CreateJob(context, job, request, *parts_.jobs, *parts_.objects));
    Send(created);
    return created;
  }

  Result<Job> GetJob(const Context& context, std::string_view id) override {
    return parts_.jobs->Get(context, id);
  }

  Result<JobPage> ListJobs(const Context& context, const JobFilter& filter, std::string_view cursor,
                           size_t limit) override {
    return parts_.jobs->List(context, filter, cursor, limit);
  }

  Result<Job> Await(const Context& context, std::string_view id) override {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool ended = false;
    const auto subscription = Subscribe(id, [&](const JobEvent& event) {
      if (!IsTerminal(event.state)) return;
      const std::lock_guard lock(mutex);
      ended = true;
      changed.notify_all();
    });
    Result<Job> job = GetJob(context, id);
    if (!job.ok() || IsTerminal(job->state)) return job;
    {
      std::unique_lock lock(mutex);
      const auto has_ended = [&] { return ended; };
      if (context.deadline == TimePoint::max()) {
        changed.wait(lock, context.stop, has_ended);
      } else {
        changed.wait_for(lock, context.stop, context.deadline - parts_.clock->Now(), has_ended);
      }
    }
    NANOGRID_RETURN_IF_ERROR(context.Check(parts_.clock->Now()));
    return GetJob(context, id);
  }

  Result<Job> Cancel(const Context& context, std::string_view id) override {
    while (true) {
      NANOGRID_ASSIGN_OR_RETURN(Job job, parts_.jobs->Get(context, id));
      if (IsTerminal(job.state)) return job;
      const Job next = Cancelled(job, parts_.clock->WallNow(), parts_.options.retention);
      Result<Job> cancelled =
          parts_.jobs->Transition(context, {job.id, job.attempt}, job.state, next);
      // It has moved on meanwhile: look again.
      if (!absl::IsAborted(cancelled.status())) return cancelled;
    }
  }

  Result<Job> Retry(const Context& context, std::string_view id) override {
    NANOGRID_ASSIGN_OR_RETURN(const Job job, parts_.jobs->Get(context, id));
    if (!IsTerminal(job.state)) {
      return FailedPrecondition("job '{}' is {}: only a job that has ended can be tried again",
                                job.id, ToString(job.state));
    }
    const Result<FunctionVersion> version =
        parts_.engine->Get(context, job.function, std::to_string(job.version));
    if (!version.ok()) return version.status();
    NANOGRID_ASSIGN_OR_RETURN(const Job next,
                              RepeatedJob(context, job, *parts_.objects, parts_.clock->WallNow()));
    NANOGRID_ASSIGN_OR_RETURN(Job created, parts_.jobs->Create(context, next));
    Send(created);
    return created;
  }

  Status ReadResult(const Context& context, std::string_view id, Sink& sink) override {
    NANOGRID_ASSIGN_OR_RETURN(const Job job, parts_.jobs->Get(context, id));
    if (job.state != JobState::kSuccess) {
      return FailedPrecondition("job '{}' is {}: only a SUCCESS has a result", job.id,
                                ToString(job.state));
    }
    if (!job.result_key.empty()) return parts_.objects->Read(context, job.result_key, sink);
    return sink.Write(job.outcome->result);
  }

  Result<ObjectPage> ListFiles(const Context& context, std::string_view id, std::string_view cursor,
                               size_t limit) override {
    NANOGRID_ASSIGN_OR_RETURN(const Job job, parts_.jobs->Get(context, id));
    if (job.files_key.empty()) return ObjectPage{};
    NANOGRID_ASSIGN_OR_RETURN(ObjectPage page,
                              parts_.objects->List(context, job.files_key, cursor, limit));
    for (ObjectInfo& file : page.objects) file.key.erase(0, job.files_key.size());
    return page;
  }

  Status ReadFile(const Context& context, std::string_view id, std::string_view path,
                  Sink& sink) override {
    NANOGRID_ASSIGN_OR_RETURN(const Job job, parts_.jobs->Get(context, id));
    const auto unknown = [&] { return NotFound("job '{}' has no file '{}'", job.id, path); };
    if (job.files_key.empty()) return unknown();
    const std::string key = job.files_key + std::string(path);
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));  // no way around its own directory
    Status read = parts_.objects->Read(context, key, sink);
    return absl::IsNotFound(read) ? unknown() : read;
  }

  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override {
    return parts_.jobs->ReadLog(context, id, offset, max_bytes);
  }

  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override {
    // Of a job that is not known nothing would ever happen: not to be waited for.
    if (!job_id.empty() && cursor.empty() && context.deadline > parts_.clock->Now()) {
      NANOGRID_RETURN_IF_ERROR(parts_.jobs->Get(context, job_id).status());
    }
    return parts_.jobs->Events(context, job_id, cursor, limit);
  }
  Result<std::string> EventsEnd(const Context& context) override {
    return parts_.jobs->EventsEnd(context);
  }
  std::unique_ptr<Subscription> Subscribe(std::string_view job_id,
                                          EventCallback callback) override {
    return events_.Subscribe(job_id, std::move(callback));
  }

  Engine& engine() override { return *parts_.engine; }
  Result<QueueDepth> Depth(const Context& context) override { return parts_.queue->Depth(context); }
  Result<std::vector<uint64_t>> CountJobs(const Context& context) override {
    return parts_.jobs->Count(context);
  }

 private:
  // Later, with others. Should that fail, the sweeper finds the job when it is due.
  void Send(const Job& job) {
    const SystemTime now = parts_.clock->WallNow();
    if (job.state != JobState::kPending || job.not_before > Later(now, Queue::kMaxDelay)) return;
    messages_.Add(JobMessage(job, now));
  }

  Status SendNow(const Context& context, std::span<const Message> batch) {
    Status status = SendAll(context, batch);
    if (!absl::IsUnimplemented(status)) return status;
    // A queue that delays nothing: what is to wait is left to the sweeper, and holds up nobody.
    std::vector<Message> others;
    std::copy_if(batch.begin(), batch.end(), std::back_inserter(others),
                 [](const Message& message) { return message.delay == Duration(0); });
    return others.empty() ? absl::OkStatus() : SendAll(context, others);
  }

  Status SendAll(const Context& context, std::span<const Message> batch) {
    const TimePoint deadline = parts_.clock->Now() + kSendTimeout;
    Status status =
        parts_.queue->Send({.deadline = deadline, .stop = context.stop}, batch).status();
    if (!status.ok()) parts_.observer->OnError("send jobs", status);
    return status;
  }

  const ControllerParts parts_;
  ControllerEvents events_;
  JobBatches<Message> messages_;
  Sweeper sweeper_;  // last: uses the rest
};

Status CheckOptions(const ControllerOptions& options) {
  if (options.retention < Duration(0)) {
    return InvalidArgument("ControllerOptions.retention: must not be negative");
  }
  if (options.sweep_every <= Duration(0)) {
    return InvalidArgument("ControllerOptions.sweep_every: must be positive");
  }
  if (options.clock_tolerance < Duration(0)) {
    return InvalidArgument("ControllerOptions.clock_tolerance: must not be negative");
  }
  return absl::OkStatus();
}

}  // namespace

Result<std::unique_ptr<Controller>> MakeController(ControllerParts parts) {
  NANOGRID_RETURN_IF_ERROR(CheckParts("ControllerParts", parts));
  NANOGRID_RETURN_IF_ERROR(CheckOptions(parts.options));
  NANOGRID_ASSIGN_OR_RETURN(std::string end, parts.jobs->EventsEnd({}));
  try {
    return std::make_unique<StoreController>(std::move(parts), std::move(end));
  } catch (const std::system_error& error) {  // no thread to be had
    return MakeError(absl::StatusCode::kResourceExhausted,
                     "cannot start the controller's threads: {}", error.what());
  }
}

}  // namespace nanogrid
