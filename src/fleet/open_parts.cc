#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "core/routed_object_store.h"
#include "fleet/open_mirror.h"
#include "fleet/redis_options.h"
#include "nanogrid/adapters/aws.h"
#include "nanogrid/adapters/fleet.h"
#include "nanogrid/adapters/gcp.h"

namespace nanogrid {
namespace {

// Below it engines keep what belongs to jobs: large events and results, result files.
constexpr char kUserDataPrefix[] = "jobs/";

class PartOpener {
 public:
  // Opens what `uri` names, if anything, and remembers how that went.
  template <typename Interface>
  void Open(std::string_view setting, const std::string& uri, const Factories<Interface>& factories,
            std::shared_ptr<Interface>& part) {
    if (uri.empty()) return;
    Result<std::unique_ptr<Interface>> opened = factories.Open(uri);
    Status status;
    if (opened.ok()) {
      part = *std::move(opened);
    } else {
      status = Status(opened.status().code(), fmt::format("{} '{}': {}", setting, uri,
                                                          std::string(opened.status().message())));
    }
    parts_.push_back({std::string(setting), uri, std::move(status)});
  }

  // Whether all that was to be opened was.
  bool ok() const {
    return std::all_of(parts_.begin(), parts_.end(),
                       [](const FleetPart& part) { return part.status.ok(); });
  }
  // Of the part that was opened last.
  void Fail(const Status& status) {
    parts_.back().status =
        Status(status.code(), fmt::format("{} '{}': {}", parts_.back().setting, parts_.back().uri,
                                          std::string(status.message())));
  }

  std::vector<FleetPart> Take() { return std::move(parts_); }

 private:
  std::vector<FleetPart> parts_;
};

// "redis:" and "rediss:" with the user and password of the configuration.
void AddRedis(const FleetConfig& config, Registry& registry) {
  const auto options_of = [config](const Uri& uri) { return RedisOptionsOf(config, uri); };
  for (const char* const scheme : {"redis", "rediss"}) {
    registry.queues
        .Add(scheme,
             [options_of](const Uri& uri) -> Result<std::unique_ptr<Queue>> {
               NANOGRID_ASSIGN_OR_RETURN(const RedisOptions options, options_of(uri));
               return OpenRedisQueue(options);
             })
        .IgnoreError();  // the schemes are distinct
    registry.job_stores
        .Add(scheme,
             [options_of](const Uri& uri) -> Result<std::unique_ptr<JobStore>> {
               NANOGRID_ASSIGN_OR_RETURN(const RedisOptions options, options_of(uri));
               return OpenRedisJobStore(options);
             })
        .IgnoreError();
  }
}

// Code here, user data there: one store for who uses them.
Result<std::unique_ptr<ObjectStore>> OpenRouted(const FleetConfig& config,
                                                const Registry& registry) {
  NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<ObjectStore> objects,
                            registry.object_stores.Open(config.objects));
  if (config.user_data == config.objects) return objects;
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<ObjectStore> user_data,
                            registry.object_stores.Open(config.user_data));
  return MakeRoutedObjectStore(kUserDataPrefix, std::move(user_data), std::move(objects));
}

Result<std::unique_ptr<MirroredStore>> OpenMirrored(const FleetConfig& config,
                                                    const Registry& registry) {
  return OpenMirror(
      config.outbox, [&](const std::string& outbox) -> Result<std::unique_ptr<MirroredStore>> {
        NANOGRID_ASSIGN_OR_RETURN(auto primary, OpenRouted(config, registry));
        NANOGRID_ASSIGN_OR_RETURN(auto second, registry.object_stores.Open(config.mirror));
        return MakeMirroredStore(std::move(primary), std::move(second), {.outbox = outbox});
      });
}

void OpenObjects(const FleetConfig& config, const Registry& registry, PartOpener& opener,
                 FleetParts& opened) {
  opener.Open("objects", config.objects, registry.object_stores, opened.objects);
  if (config.user_data != config.objects) {
    opener.Open("user_data", config.user_data, registry.object_stores, opened.user_data);
  }
  std::shared_ptr<ObjectStore> second;
  opener.Open("mirror", config.mirror, registry.object_stores, second);
  if (!opener.ok()) return;
  if (second != nullptr) {
    auto mirror = OpenMirrored(config, registry);
    if (!mirror.ok()) return opener.Fail(mirror.status());
    opened.mirror = *std::move(mirror);
    opened.objects = opened.mirror;
  } else if (opened.user_data != nullptr) {
    opened.objects = MakeRoutedObjectStore(kUserDataPrefix, opened.user_data, opened.objects);
  }
}

}  // namespace

Result<RedisOptions> RedisOptionsOf(const FleetConfig& config, const Uri& uri) {
  Result<RedisOptions> options = ParseRedisUri(uri);
  if (options.ok() && !config.redis_username.empty()) options->username = config.redis_username;
  if (options.ok() && !config.redis_password.empty()) options->password = config.redis_password;
  return options;
}

Registry FleetRegistry(const FleetConfig& config, SecretSource* secrets) {
  Registry registry = LocalRegistry();
  AddRedis(config, registry);
  RegisterAws(registry).IgnoreError();  // the schemes are distinct
  GcsOptions gcs;
  if (!config.gcp_credentials_secret.empty() && secrets != nullptr) {
    gcs.secrets = secrets;
    gcs.secret_name = config.gcp_credentials_secret;
  }
  RegisterGcp(registry, gcs).IgnoreError();
  return registry;
}

std::vector<FleetPart> OpenFleetParts(const FleetConfig& config, FleetParts& opened) {
  PartOpener opener;
  opener.Open("secrets", config.secrets, FleetRegistry(config).secrets, opened.secrets);
  const Registry registry = FleetRegistry(config, opened.secrets.get());
  opener.Open("queue", config.queue, registry.queues, opened.queue);
  opener.Open("jobs", config.jobs, registry.job_stores, opened.jobs);
  opener.Open("catalog", config.catalog, registry.catalogs, opened.catalog);
  OpenObjects(config, registry, opener, opened);
  opener.Open("dead_letters", config.dead_letters, registry.queues, opened.dead_letters);
  return opener.Take();
}

Result<FleetParts> OpenFleetParts(const FleetConfig& config) {
  FleetParts opened;
  for (const FleetPart& part : OpenFleetParts(config, opened)) {
    NANOGRID_RETURN_IF_ERROR(part.status);
  }
  return opened;
}

}  // namespace nanogrid
