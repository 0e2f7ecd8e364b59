#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "core/errors.h"
#include "core/unique_fd.h"
#include "local/local_engine.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

Status MakeDataDirectory(const std::string& path) {
  if (path.empty()) return InvalidArgument("data: names no directory");
  if (::mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  struct stat info = {};
  const int error = errno;
  if (error != EEXIST || ::stat(path.c_str(), &info) != 0) {
    return ErrnoError(error, "data directory " + path);
  }
  if (!S_ISDIR(info.st_mode)) return ErrnoError(ENOTDIR, "data directory " + path);
  return absl::OkStatus();
}

// Held as long as the descriptor is open, whatever becomes of the process.
Result<UniqueFd> LockDirectory(const std::string& data) {
  const std::string path = data + "/controller.lock";
  UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return ErrnoError(errno, path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return ErrnoError(errno, path);
  return MakeError(absl::StatusCode::kAlreadyExists, "another controller works on {}", data);
}

class LocalService final : public Service {
 public:
  LocalService(UniqueFd lock, std::unique_ptr<Controller> controller,
               std::unique_ptr<Worker> worker)
      : lock_(std::move(lock)), controller_(std::move(controller)), worker_(std::move(worker)) {}
  ~LocalService() override {
    std::stop_source now;
    now.request_stop();
    Stop(Context::WithStop(now.get_token()));
  }

  Controller& controller() override { return *controller_; }
  Worker* worker() override { return worker_.get(); }
  void Stop(const Context& context) override {
    if (worker_ != nullptr) worker_->Stop(context);
  }

 private:
  const UniqueFd lock_;
  const std::unique_ptr<Controller> controller_;
  const std::unique_ptr<Worker> worker_;  // goes first
};

}  // namespace

Result<std::unique_ptr<Service>> OpenService(const ServiceOptions& options) {
  NANOGRID_RETURN_IF_ERROR(MakeDataDirectory(options.data));
  std::error_code error;
  const std::string data = std::filesystem::absolute(options.data, error).lexically_normal();
  if (error) return ErrnoError(error.value(), "data directory " + options.data);
  UniqueFd lock;
  if (options.exclusive) {
    NANOGRID_ASSIGN_OR_RETURN(lock, LockDirectory(data));
  }

  NANOGRID_ASSIGN_OR_RETURN(SqliteStores stores, OpenSqlite({.path = data + "/nanogrid.db"}));
  const Uri objects_uri{.scheme = "file", .path = data + "/objects", .has_authority = true};
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<ObjectStore> objects, MakeFileObjectStore(objects_uri));

  LocalOptions local = options.local;
  local.package_dir = data + "/packages";
  EngineParts parts{.objects = objects, .catalog = std::move(stores.catalog)};
  NANOGRID_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine,
                            MakeLocalEngine(std::move(parts), local));
  const std::shared_ptr<Queue> queue = std::move(stores.queue);
  const std::shared_ptr<JobStore> jobs = std::move(stores.jobs);
  NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller,
                            MakeController({.engine = engine,
                                            .queue = queue,
                                            .jobs = jobs,
                                            .objects = objects,
                                            .options = options.controller,
                                            .observer = local.observer}));
  std::unique_ptr<Worker> worker;
  if (options.run_worker) {
    WorkerOptions worker_options = options.worker;
    worker_options.retention = options.controller.retention;
    NANOGRID_ASSIGN_OR_RETURN(worker, MakeWorker({.engine = engine,
                                                  .queue = queue,
                                                  .jobs = jobs,
                                                  .objects = objects,
                                                  .options = std::move(worker_options),
                                                  .observer = local.observer}));
  }
  return std::make_unique<LocalService>(std::move(lock), std::move(controller), std::move(worker));
}

}  // namespace nanogrid
