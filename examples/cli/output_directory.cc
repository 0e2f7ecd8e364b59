#include "output_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

using nanogrid::Status;

namespace {

int OpenBeneath(int directory, const std::string& path, uint64_t flags, uint64_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC | O_NOFOLLOW;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(how)));
}

// The file, in directories that are made.
int CreateBeneath(int directory, const std::string& path) {
  int parent = dup(directory);
  size_t from = 0;
  for (size_t slash; parent >= 0 && (slash = path.find('/', from)) != std::string::npos;
       from = slash + 1) {
    const std::string name = path.substr(from, slash - from);
    const bool there = mkdirat(parent, name.c_str(), 0777) == 0 || errno == EEXIST;
    const int next = there ? OpenBeneath(parent, name, O_DIRECTORY | O_PATH, 0) : -1;
    const int error = errno;
    close(parent);
    errno = error;
    parent = next;
  }
  if (parent < 0) return -1;
  // Not to wait for the reader of a FIFO that lies there.
  const int file =
      OpenBeneath(parent, path.substr(from), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0666);
  const int error = errno;
  close(parent);
  errno = error;
  return file;
}

class FileBytes final : public nanogrid::Sink {
 public:
  explicit FileBytes(OutputDirectory& directory) : directory_(directory) {}
  Status Write(std::string_view bytes) override { return directory_.Write(bytes); }

 private:
  OutputDirectory& directory_;
};

}  // namespace

OutputDirectory::~OutputDirectory() {
  if (fd_ >= 0) close(fd_);
}

Status OutputDirectory::Failed(const char* step) const {
  const int error = errno;
  return absl::UnavailableError(
      fmt::format("output '{}': {} {}: {}", directory_, step, path_, std::strerror(error)));
}

Status OutputDirectory::Begin(std::string_view path, uint64_t) {
  path_ = path;
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  const int directory = open(directory_.c_str(), O_DIRECTORY | O_PATH | O_CLOEXEC);
  if (directory < 0) return Failed("open it for");
  fd_ = CreateBeneath(directory, path_);
  Status created = fd_ < 0 ? Failed("create") : absl::OkStatus();
  close(directory);
  return created;
}

Status OutputDirectory::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

Status OutputDirectory::End() {
  const int closed = close(std::exchange(fd_, -1));
  return closed == 0 ? absl::OkStatus() : Failed("close");
}

Status SaveFiles(nanogrid::Controller& controller, const std::string& job_id,
                 const std::string& directory) {
  OutputDirectory output(directory);
  std::string cursor;
  do {
    const auto page = controller.ListFiles({}, job_id, cursor);
    if (!page.ok()) return page.status();
    for (const nanogrid::ObjectInfo& file : page->objects) {
      Status status = output.Begin(file.key, file.size);
      FileBytes bytes(output);
      if (status.ok()) status = controller.ReadFile({}, job_id, file.key, bytes);
      if (status.ok()) status = output.End();
      if (!status.ok()) return status;
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  return absl::OkStatus();
}
