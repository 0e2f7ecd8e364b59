#include "core/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <vector>

#include "core/errors.h"
#include "core/file_object_paths.h"
#include "core/request_id.h"

namespace nanogrid {
namespace {

constexpr time_t kAbandonedAfterSeconds = 60;

// A writer locks its file at once; the age covers the moment before that.
bool IsAbandoned(int file) {
  struct stat info {};
  return fstat(file, &info) == 0 && S_ISREG(info.st_mode) &&
         time(nullptr) - info.st_mtime > kAbandonedAfterSeconds &&
         flock(file, LOCK_EX | LOCK_NB) == 0;
}

void RemoveAbandonedFiles(int directory) {
  UniqueFd listed = OpenBeneath(directory, ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(listed ? fdopendir(listed.get()) : nullptr,
                                                    [](DIR* dir) { return closedir(dir); });
  if (!entries) return;
  (void)listed.Release();  // closedir closes it
  while (const dirent* const entry = readdir(entries.get())) {
    const UniqueFd file = OpenBeneath(directory, entry->d_name, O_RDONLY | O_NONBLOCK);
    if (file && IsAbandoned(file.get())) unlinkat(directory, entry->d_name, 0);
  }
}

Status SyncParent(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent =
      slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  const UniqueFd fd(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A directory above that may not be read cannot be made durable by us.
  if (fd && fsync(fd.get()) != 0) return ErrnoError(errno, fmt::format("fsync '{}'", parent));
  return absl::OkStatus();
}

}  // namespace

UniqueFd OpenBeneath(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  for (;;) {
    const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how));
    // EAGAIN: a concurrent rename kept the kernel from being sure; openat2(2) says try again.
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return UniqueFd(static_cast<int>(fd));
  }
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string LastOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoError(errno, "write to object store");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

Result<UniqueFd> MakeRootDirectory(const std::string& path, bool durable) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), 0700) == 0) {
      if (durable) NANOGRID_RETURN_IF_ERROR(SyncParent(part));
    } else if (errno != EEXIST && errno != EROFS && errno != EACCES) {
      return ErrnoError(errno, fmt::format("make directory '{}'", part));
    }
    if (end == std::string::npos) break;
  }
  UniqueFd root(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return ErrnoError(errno, fmt::format("open directory '{}'", path));
  return root;
}

Result<UniqueFd> OpenTemporaryDirectory(int root) {
  if (mkdirat(root, kTemporaryDirectory, 0700) != 0 && errno != EEXIST) {
    return ErrnoError(errno, "make directory '%tmp' in object store");
  }
  UniqueFd directory = OpenBeneath(root, kTemporaryDirectory, O_RDONLY | O_DIRECTORY);
  if (!directory) return ErrnoError(errno, "open directory '%tmp' in object store");
  RemoveAbandonedFiles(directory.get());
  return directory;
}

TemporaryFile::TemporaryFile(int directory) : directory_(directory), name_(MakeRequestId()) {}

TemporaryFile::~TemporaryFile() {
  if (fd_ && !name_.empty()) unlinkat(directory_, name_.c_str(), 0);
}

Status TemporaryFile::Create() {
  fd_.Reset(openat(directory_, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd_) return ErrnoError(errno, "create file in object store");
  // If the file system has no locks, the age alone keeps others from removing it.
  flock(fd_.get(), LOCK_EX | LOCK_NB);
  return absl::OkStatus();
}

int TemporaryFile::Publish(int parent, const std::string& name, bool if_absent) {
  if (if_absent) {
    return linkat(directory_, name_.c_str(), parent, name.c_str(), 0) == 0 ? 0 : errno;
  }
  if (renameat(directory_, name_.c_str(), parent, name.c_str()) != 0) return errno;
  name_.clear();  // nothing left to unlink
  return 0;
}

}  // namespace nanogrid
