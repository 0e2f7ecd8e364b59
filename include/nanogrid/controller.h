// The controller: takes jobs, tells what becomes of them, ends them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nanogrid/engine.h"
#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"

namespace nanogrid {

struct SubmitRequest {
  std::string function{};
  std::string event = "null";       // JSON; any bytes for runtime exec
  std::string qualifier = kLatest;  // number, alias or "$LATEST"; means what it means now
  std::string tenant{};             // whose job it is; needed by functions with per_tenant
  std::string idempotency_key{};    // the same key again answers the same job
  Duration delay{};                 // not started before; 0..365 days
  RetryChanges retry{};             // what is not given is as the function has it
};

struct ControllerOptions {
  Duration retention = std::chrono::hours(24);  // of finished jobs, with their logs and results
  Duration sweep_every = std::chrono::seconds(1);
  // By how much the clocks of other machines may differ from this one's: a job whose lease seems to
  // be over is left to its worker for so long, and for as long as the lease moves.
  Duration clock_tolerance = std::chrono::seconds(2);
  uint64_t max_event = 256ull << 20;  // bytes
};

// Everything a controller works on. Controllers on the same parts, in any process, see the same.
struct ControllerParts {
  std::shared_ptr<Engine> engine{};  // registers; need not run anything
  std::shared_ptr<Queue> queue{};
  std::shared_ptr<JobStore> jobs{};
  std::shared_ptr<ObjectStore> objects{};
  ControllerOptions options{};
  const Clock* clock = &Clock::System();   // outlives the controller
  Observer* observer = &Observer::None();  // outlives the controller
};

// Thread-safe. Its threads send what was recorded, look at what is due, and follow events.
class Controller {
 public:
  virtual ~Controller() = default;

  // Durable on return. InvalidArgument names the field; NotFound if there is no such function;
  // AlreadyExists if the idempotency key was used for something else.
  virtual Result<Job> Submit(const Context& context, const SubmitRequest& request) = 0;
  virtual Result<Job> GetJob(const Context& context, std::string_view id) = 0;
  virtual Result<JobPage> ListJobs(const Context& context, const JobFilter& filter,
                                   std::string_view cursor = {}, size_t limit = 100) = 0;
  // Waits for the job's end and answers it.
  virtual Result<Job> Await(const Context& context, std::string_view id) = 0;
  // A pending job never starts, a running one dies within a second. Answers the job as it is then:
  // one that had ended stays as it was.
  virtual Result<Job> Cancel(const Context& context, std::string_view id) = 0;
  // Submits a job that has ended again, as a new job with retry_of. FailedPrecondition if it has
  // not ended.
  virtual Result<Job> Retry(const Context& context, std::string_view id) = 0;
  // The result of a SUCCESS, wherever it is kept. FailedPrecondition in any other state.
  virtual Status ReadResult(const Context& context, std::string_view id, Sink& sink) = 0;
  // The result files of a job that has ended: keys are their paths.
  virtual Result<ObjectPage> ListFiles(const Context& context, std::string_view id,
                                       std::string_view cursor = {}, size_t limit = 100) = 0;
  virtual Status ReadFile(const Context& context, std::string_view id, std::string_view path,
                          Sink& sink) = 0;
  virtual Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                                   size_t max_bytes = 1 << 20) = 0;

  // Stored events, then live ones: see JobStore::Events. NotFound: from the start of a job that is
  // not known.
  virtual Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                               std::string_view cursor, size_t limit = 100) = 0;
  virtual Result<std::string> EventsEnd(const Context& context) = 0;

  // Calls back, from the controller's thread, for every event of a job (of all, if `job_id` is
  // empty) that happens from now on, in order, until the subscription is destroyed; that waits for
  // a call in progress, unless it is destroyed in that call. Costs no thread and little memory.
  // What happened before: ask after subscribing (GetJob, Events); revisions tell what is double.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  using EventCallback = std::function<void(const JobEvent&)>;
  virtual std::unique_ptr<Subscription> Subscribe(std::string_view job_id,
                                                  EventCallback callback) = 0;

  // Functions: the engine's.
  virtual Engine& engine() = 0;
  virtual Result<QueueDepth> Depth(const Context& context) = 0;
  virtual Result<std::vector<uint64_t>> CountJobs(const Context& context) = 0;
};

// InvalidArgument names the missing part.
Result<std::unique_ptr<Controller>> MakeController(ControllerParts parts);

}  // namespace nanogrid
