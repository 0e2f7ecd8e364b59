#include <filesystem>
#include <utility>

#include "core/errors.h"
#include "local/service_parts.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

class LocalService final : public Service {
 public:
  LocalService(UniqueFd lock, ServiceParts parts)
      : lock_(std::move(lock)), parts_(std::move(parts)) {}
  ~LocalService() override {
    std::stop_source now;
    now.request_stop();
    Stop(Context::WithStop(now.get_token()));
  }

  Controller& controller() override { return *parts_.controller; }
  Worker* worker() override { return parts_.worker.get(); }
  void Stop(const Context& context) override {
    if (parts_.worker != nullptr) parts_.worker->Stop(context);
  }

 private:
  const UniqueFd lock_;
  const ServiceParts parts_;
};

}  // namespace

Result<std::unique_ptr<Service>> OpenService(const ServiceOptions& options) {
  NANOGRID_RETURN_IF_ERROR(MakeDataDirectory(options.data));
  std::error_code error;
  const std::string data = std::filesystem::absolute(options.data, error).lexically_normal();
  if (error) return ErrnoError(error.value(), "data directory " + options.data);
  UniqueFd lock;
  if (options.exclusive) {
    NANOGRID_ASSIGN_OR_RETURN(lock, LockDataDirectory(data));
  }
  NANOGRID_ASSIGN_OR_RETURN(SqliteStores sqlite, OpenSqlite({.path = data + "/nanogrid.db"}));
  const Uri objects_uri{.scheme = "file", .path = data + "/objects", .has_authority = true};
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<ObjectStore> objects, MakeFileObjectStore(objects_uri));
  const ServiceStores stores{.queue = std::move(sqlite.queue),
                             .jobs = std::move(sqlite.jobs),
                             .catalog = std::move(sqlite.catalog),
                             .objects = std::move(objects)};
  ServiceOptions settled = options;
  settled.local.package_dir = data + "/packages";
  NANOGRID_ASSIGN_OR_RETURN(ServiceParts parts,
                            MakeServiceParts(stores, {.worker = options.run_worker}, settled));
  return std::make_unique<LocalService>(std::move(lock), std::move(parts));
}

}  // namespace nanogrid
