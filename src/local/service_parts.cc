#include "local/service_parts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "core/errors.h"
#include "local/local_engine.h"

namespace nanogrid {

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

Result<UniqueFd> LockDataDirectory(const std::string& path) {
  const std::string lock = path + "/controller.lock";
  UniqueFd file(::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return ErrnoError(errno, lock);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return ErrnoError(errno, lock);
  return MakeError(absl::StatusCode::kAlreadyExists, "another controller works on {}", path);
}

Result<ServiceParts> MakeServiceParts(const ServiceStores& stores, ServiceWants wants,
                                      const ServiceOptions& options) {
  ServiceParts parts;
  EngineParts engine_parts{.objects = stores.objects, .catalog = stores.catalog};
  NANOGRID_ASSIGN_OR_RETURN(parts.engine, MakeLocalEngine(std::move(engine_parts), options.local));
  if (wants.controller) {
    NANOGRID_ASSIGN_OR_RETURN(parts.controller,
                              MakeController({.engine = parts.engine,
                                              .queue = stores.queue,
                                              .jobs = stores.jobs,
                                              .objects = stores.objects,
                                              .options = options.controller,
                                              .observer = options.local.observer}));
  }
  if (wants.worker) {
    WorkerOptions worker_options = options.worker;
    worker_options.retention = options.controller.retention;
    NANOGRID_ASSIGN_OR_RETURN(parts.worker, MakeWorker({.engine = parts.engine,
                                                        .queue = stores.queue,
                                                        .jobs = stores.jobs,
                                                        .objects = stores.objects,
                                                        .dead_letters = stores.dead_letters,
                                                        .foreign_code = stores.foreign_code,
                                                        .options = std::move(worker_options),
                                                        .observer = options.local.observer}));
  }
  return parts;
}

}  // namespace nanogrid
