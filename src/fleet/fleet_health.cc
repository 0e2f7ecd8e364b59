#include "fleet/fleet_health.h"

#include <utility>

namespace nanogrid {
namespace {

constexpr char kNoJob[] = "00000000-0000-4000-8000-000000000000";
constexpr char kNoFunction[] = "nanogrid-health";
constexpr char kNoCode[] = "health/code";
constexpr char kNoUserData[] = "jobs/health";

// That something is not there is an answer.
Status Answered(const Status& status) {
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

// Who may not list a bucket of S3 is not told that an object is missing: then one is made.
Status AskObjects(const Context& context, ObjectStore& objects, const char* key) {
  Status status = objects.Stat(context, key).status();
  if (!absl::IsPermissionDenied(status)) return status;
  return WriteObject(context, objects, key, "").status();
}

}  // namespace

// Parts that could not be opened are not asked.
std::vector<Probe> FleetProbes(const FleetParts& parts) {
  std::vector<Probe> probes;
  const auto ask = [&probes](std::string name, const auto& part, auto question) {
    if (part == nullptr) return;
    probes.push_back({std::move(name), [part, question](const Context& context) {
                        return Answered(question(context, *part));
                      }});
  };
  const auto depth = [](const Context& context, Queue& queue) {
    return queue.Depth(context).status();
  };
  const auto object = [](const char* key) {
    return [key](const Context& context, ObjectStore& objects) {
      return AskObjects(context, objects, key);
    };
  };
  ask("queue", parts.queue, depth);
  ask("jobs", parts.jobs,
      [](const Context& context, JobStore& jobs) { return jobs.Get(context, kNoJob).status(); });
  ask("catalog", parts.catalog, [](const Context& context, FunctionCatalog& catalog) {
    return catalog.Get(context, kNoFunction).status();
  });
  ask("objects", parts.objects, object(kNoCode));
  // A mirror goes on without its primary.
  if (parts.mirror == nullptr) ask("user_data", parts.user_data, object(kNoUserData));
  return probes;
}

std::unique_ptr<Health> MakeFleetHealth(const FleetParts& parts, Observer& observer) {
  return std::make_unique<HealthProbes>(FleetProbes(parts), ProbeOptions{.observer = &observer});
}

}  // namespace nanogrid
