#include "api/metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <memory>

#include "api/routes.h"

namespace nanogrid {
namespace {

class Text {
 public:
  explicit Text(std::string& out) : out_(std::back_inserter(out)) {}

  void Describe(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(out_, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <typename Value>
  void Sample(std::string_view name, std::string_view labels, Value value) {
    if (labels.empty()) {
      fmt::format_to(out_, "{} {}\n", name, value);
    } else {
      fmt::format_to(out_, "{}{{{}}} {}\n", name, labels, value);
    }
  }
  template <typename Value>
  void Single(std::string_view name, std::string_view type, std::string_view help, Value value) {
    Describe(name, type, help);
    Sample(name, "", value);
  }

 private:
  std::back_insert_iterator<std::string> out_;
};

std::string_view PathOf(int route) {
  return route < 0 ? "none" : Routes()[static_cast<size_t>(route)].path;
}

// Only methods that routes have: a label must not be what any client makes up.
std::string_view MethodOf(int route, const std::string& method) {
  if (route < 0) return "other";
  return method == "HEAD" ? "HEAD" : Routes()[static_cast<size_t>(route)].method;
}

void AppendProcess(Text& text) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> statm(std::fopen("/proc/self/statm", "re"),
                                                              std::fclose);
  unsigned long size = 0, resident = 0;
  if (statm && std::fscanf(statm.get(), "%lu %lu", &size, &resident) == 2) {
    const auto page = static_cast<unsigned long>(sysconf(_SC_PAGESIZE));
    text.Single("process_resident_memory_bytes", "gauge", "Memory that is in RAM.",
                resident * page);
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  text.Single("process_cpu_seconds_total", "counter", "User and system time.",
              seconds(usage.ru_utime) + seconds(usage.ru_stime));
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    text.Single("process_max_fds", "gauge", "Bound on open files.", files.rlim_cur);
  }
}

void AppendJobs(Text& text, Controller& controller, const Context& context) {
  if (const auto counts = controller.CountJobs(context); counts.ok()) {
    text.Describe("nanogrid_jobs", "gauge", "Jobs on record, by state.");
    for (size_t i = 0; i < counts->size(); ++i) {
      text.Sample("nanogrid_jobs", fmt::format("state=\"{}\"", ToString(static_cast<JobState>(i))),
                  (*counts)[i]);
    }
  }
  if (const auto depth = controller.Depth(context); depth.ok()) {
    text.Describe("nanogrid_queue_depth", "gauge", "Messages in the queue, by state.");
    text.Sample("nanogrid_queue_depth", "state=\"visible\"", depth->visible);
    text.Sample("nanogrid_queue_depth", "state=\"leased\"", depth->leased);
    text.Sample("nanogrid_queue_depth", "state=\"delayed\"", depth->delayed);
  }
}

void AppendEngine(Text& text, const Engine& engine) {
  const Scheduler::Stats stats = engine.GetStats();
  text.Describe("nanogrid_instances", "gauge", "Invocations and warm instances of this process.");
  text.Sample("nanogrid_instances", "state=\"running\"", stats.running);
  text.Sample("nanogrid_instances", "state=\"idle\"", stats.idle);
  text.Single("nanogrid_invocations_waiting", "gauge", "Invocations that wait for their turn.",
              stats.waiting);
}

void AppendWorker(Text& text, const Worker& worker) {
  const WorkerStats stats = worker.GetStats();
  text.Single("nanogrid_worker_slots", "gauge", "Jobs that this process can run at once.",
              stats.slots);
  text.Single("nanogrid_worker_busy", "gauge", "Jobs that this process runs.", stats.busy);
  text.Single("nanogrid_worker_attempts_total", "counter", "Attempts that have ended.",
              stats.finished);
}

// As they were when somebody last looked: asking for metrics must not ask five services.
void AppendHealth(Text& text, const Health& health) {
  const std::vector<Dependency> parts = health.Last();
  if (parts.empty()) return;
  text.Describe("nanogrid_dependency_up", "gauge", "1: it answered when /health was last asked.");
  for (const Dependency& part : parts) {
    text.Sample("nanogrid_dependency_up", fmt::format("part=\"{}\"", part.name),
                part.status.ok() ? 1 : 0);
  }
  text.Describe("nanogrid_dependency_seconds", "gauge", "How long its answer took.");
  for (const Dependency& part : parts) {
    text.Sample("nanogrid_dependency_seconds", fmt::format("part=\"{}\"", part.name),
                std::chrono::duration<double>(part.took).count());
  }
}

}  // namespace

void HttpMetrics::Observe(int route, const std::string& method, int status, Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const std::lock_guard lock(mutex_);
  ++requests_[{route, std::string(MethodOf(route, method)), status}];
  Histogram& histogram = durations_[route];
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++histogram.buckets[bucket];
  histogram.sum += seconds;
  ++histogram.count;
}

void HttpMetrics::Append(std::string& out) const {
  Text text(out);
  const std::lock_guard lock(mutex_);
  text.Describe("nanogrid_http_requests_total", "counter",
                "Requests answered; status 499: the client went away first.");
  for (const auto& [key, count] : requests_) {
    const auto& [route, method, status] = key;
    text.Sample(
        "nanogrid_http_requests_total",
        fmt::format("method=\"{}\",route=\"{}\",status=\"{}\"", method, PathOf(route), status),
        count);
  }
  constexpr std::string_view kName = "nanogrid_http_request_duration_seconds";
  text.Describe(kName, "histogram", "From a request's header to the end of its answer.");
  for (const auto& [route, histogram] : durations_) {
    uint64_t sum = 0;
    for (size_t i = 0; i <= kBounds.size(); ++i) {
      sum += histogram.buckets[i];
      const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
      text.Sample(fmt::format("{}_bucket", kName),
                  fmt::format("route=\"{}\",le=\"{}\"", PathOf(route), bound), sum);
    }
    const std::string labels = fmt::format("route=\"{}\"", PathOf(route));
    text.Sample(fmt::format("{}_sum", kName), labels, histogram.sum);
    text.Sample(fmt::format("{}_count", kName), labels, histogram.count);
  }
}

std::string MetricsText(const HttpMetrics& http, const TransportStats& transport,
                        const MetricsSources& sources, const Context& context) {
  std::string out;
  Text text(out);
  if (sources.controller != nullptr) AppendJobs(text, *sources.controller, context);
  if (sources.engine != nullptr) AppendEngine(text, *sources.engine);
  if (sources.worker != nullptr) AppendWorker(text, *sources.worker);
  if (sources.health != nullptr) AppendHealth(text, *sources.health);
  if (sources.more != nullptr && *sources.more) (*sources.more)(out);
  http.Append(out);
  text.Single("nanogrid_http_connections", "gauge", "Open connections.", transport.connections);
  text.Single("nanogrid_http_connections_total", "counter", "Connections accepted.",
              transport.accepted);
  text.Single("nanogrid_http_connections_rejected_total", "counter",
              "Connections closed because there were too many.", transport.rejected);
  text.Single("nanogrid_http_buffer_bytes", "gauge", "Bodies and answers in memory.",
              transport.memory);
  AppendProcess(text);
  return out;
}

}  // namespace nanogrid
