// Durable jobs on embedded defaults, against what durability costs on this disk.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "contenders.h"
#include "scenarios.h"
#include "statistics.h"

namespace {

using nanogrid::Status;

constexpr size_t kRecord = 256;  // bytes of an append: about what a job's row takes

// A directory on a disk: /tmp may be memory, where fdatasync costs nothing.
class DiskDirectory {
 public:
  DiskDirectory() : path_("/var/tmp/nanogrid-bench-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  DiskDirectory(const DiskDirectory&) = delete;
  DiskDirectory& operator=(const DiskDirectory&) = delete;
  ~DiskDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Status AppendAndSync(int file) {
  const std::string record(kRecord, 'x');
  if (write(file, record.data(), record.size()) != static_cast<ssize_t>(record.size()) ||
      fdatasync(file) != 0) {
    return absl::InternalError(fmt::format("append: {}", std::strerror(errno)));
  }
  return absl::OkStatus();
}

Status AwaitSuccess(nanogrid::Controller& controller, const std::string& id) {
  const auto job = controller.Await({}, id);
  if (!job.ok()) return job.status();
  if (job->state == nanogrid::JobState::kSuccess) return absl::OkStatus();
  return absl::InternalError(fmt::format("job {} ended as {}", id, nanogrid::ToString(job->state)));
}

void MeasureLatency(Bench& bench, nanogrid::Controller& controller, int file) {
  const nanogrid::SubmitRequest request = {.function = "echo", .event = Payload(64)};
  const std::vector<Contender> contenders = {
      {.name = "fdatasync of an append",
       .measure = [&] { return Timed([&] { return AppendAndSync(file); }); }},
      {.name = "submit, acknowledged",
       .measure = [&]() -> nanogrid::Result<nanogrid::Duration> {
         std::string id;
         auto took = Timed([&] {
           const auto job = controller.Submit({}, request);
           if (job.ok()) id = job->id;
           return job.status();
         });
         // What follows is the next contender's.
         const Status done = took.ok() ? AwaitSuccess(controller, id) : absl::OkStatus();
         if (!done.ok()) return done;
         return took;
       },
       .versus = "fdatasync of an append"},
      {.name = "submit to done",
       .measure =
           [&] {
             return Timed([&] {
               const auto job = controller.Submit({}, request);
               return job.ok() ? AwaitSuccess(controller, job->id) : job.status();
             });
           },
       .versus = "fdatasync of an append"},
  };
  Measure(bench, "a durable job, SQLite, warm native function", contenders, bench.rounds);
}

// Jobs per second, submitted by so many threads that each wait for theirs.
nanogrid::Result<double> Sustain(nanogrid::Controller& controller, size_t threads,
                                 nanogrid::Duration time) {
  std::atomic<uint64_t> total = 0;
  std::atomic<bool> failed = false;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> clients;
    for (size_t i = 0; i < threads; ++i) {
      clients.emplace_back([&] {
        while (!failed && std::chrono::steady_clock::now() - begin < time) {
          const auto job = controller.Submit({}, {.function = "echo", .event = "1"});
          if (!job.ok() || !AwaitSuccess(controller, job->id).ok()) failed = true;
          ++total;
        }
      });
    }
  }
  if (failed) return absl::InternalError("a job failed");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(total) / took.count();
}

void MeasureRate(Bench& bench, nanogrid::Controller& controller) {
  for (const size_t clients : {size_t{1}, size_t{16}, size_t{64}}) {
    std::vector<double> rates;
    for (int slice = 0; slice < std::max(bench.rounds / 80, 2); ++slice) {
      const auto rate = Sustain(controller, clients, std::chrono::seconds(1));
      if (!rate.ok()) return bench.report.AddFailure("jobs per second", rate.status());
      rates.push_back(*rate);
    }
    bench.report.AddRow({.scenario = "durable jobs per second, submit to done",
                         .condition = fmt::format("{} clients", clients),
                         .name = "controller and worker",
                         .unit = "per s",
                         .samples = rates.size(),
                         .p50 = Median(rates)});
  }
}

}  // namespace

void MeasureJobs(Bench& bench) {
  const auto fail = [&](const Status& why) { bench.report.AddFailure("jobs", why); };
  const DiskDirectory directory;
  const int file =
      open((directory.path() + "/append").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return fail(absl::InternalError(directory.path() + ": cannot be written"));
  const auto service = nanogrid::OpenService({.data = directory.path() + "/data"});
  if (!service.ok()) return fail(service.status());
  nanogrid::Controller& controller = (*service)->controller();
  const auto version = controller.engine().Register(
      {.name = "echo",
       .code = nanogrid::Code::FromPath(bench.workspace.echo_function()),
       .runtime = "native"});
  if (!version.ok()) return fail(version.status());
  MeasureLatency(bench, controller, file);
  MeasureRate(bench, controller);
  close(file);
}
