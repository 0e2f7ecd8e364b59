// A controller that refuses jobs while too many wait.
#pragma once

#include <memory>

#include "nanogrid/controller.h"

namespace nanogrid {

// Submit and Retry answer ResourceExhausted while `max_backlog` jobs are PENDING. They are counted
// by the store, at most once a second and by one caller at a time; those accepted since are added,
// so that a burst is stopped, too. While the store cannot count, the last number stands.
class BacklogGate final : public Controller {
 public:
  BacklogGate(std::unique_ptr<Controller> controller, uint64_t max_backlog,
              const Clock& clock = Clock::System());
  ~BacklogGate() override;

  uint64_t refused() const;  // ever

  Result<Job> Submit(const Context& context, const SubmitRequest& request) override;
  Result<Job> Retry(const Context& context, std::string_view id) override;

  Result<Job> GetJob(const Context& context, std::string_view id) override;
  Result<JobPage> ListJobs(const Context& context, const JobFilter& filter, std::string_view cursor,
                           size_t limit) override;
  Result<Job> Await(const Context& context, std::string_view id) override;
  Result<Job> Cancel(const Context& context, std::string_view id) override;
  Status ReadResult(const Context& context, std::string_view id, Sink& sink) override;
  Result<ObjectPage> ListFiles(const Context& context, std::string_view id, std::string_view cursor,
                               size_t limit) override;
  Status ReadFile(const Context& context, std::string_view id, std::string_view path,
                  Sink& sink) override;
  Result<LogChunk> ReadLog(const Context& context, std::string_view id, uint64_t offset,
                           size_t max_bytes) override;
  Result<std::vector<JobEvent>> Events(const Context& context, std::string_view job_id,
                                       std::string_view cursor, size_t limit) override;
  Result<std::string> EventsEnd(const Context& context) override;
  std::unique_ptr<Subscription> Subscribe(std::string_view job_id, EventCallback callback) override;
  Engine& engine() override;
  Result<QueueDepth> Depth(const Context& context) override;
  Result<std::vector<uint64_t>> CountJobs(const Context& context) override;

 private:
  class Counter;
  const std::unique_ptr<Counter> counter_;
  const std::unique_ptr<Controller> controller_;
};

}  // namespace nanogrid
