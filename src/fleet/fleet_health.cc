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
  Status status = Answered(objects.Stat(context, key).status());
  if (!absl::IsPermissionDenied(status)) return status;
  return WriteObject(context, objects, key, "").status();
}

}  // namespace

std::vector<Probe> FleetProbes(const FleetParts& parts) {
  std::vector<Probe> probes;
  probes.push_back({"queue", [queue = parts.queue](const Context& context) {
                      return queue->Depth(context).status();
                    }});
  probes.push_back({"jobs", [jobs = parts.jobs](const Context& context) {
                      return Answered(jobs->Get(context, kNoJob).status());
                    }});
  probes.push_back({"catalog", [catalog = parts.catalog](const Context& context) {
                      return Answered(catalog->Get(context, kNoFunction).status());
                    }});
  probes.push_back({"objects", [objects = parts.objects](const Context& context) {
                      return AskObjects(context, *objects, kNoCode);
                    }});
  if (parts.user_data != nullptr) {
    probes.push_back({"user_data", [objects = parts.user_data](const Context& context) {
                        return AskObjects(context, *objects, kNoUserData);
                      }});
  }
  return probes;
}

std::unique_ptr<Health> MakeFleetHealth(const FleetParts& parts, Observer& observer) {
  return std::make_unique<HealthProbes>(FleetProbes(parts), ProbeOptions{.observer = &observer});
}

}  // namespace nanogrid
