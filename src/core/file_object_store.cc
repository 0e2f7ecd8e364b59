#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/file_object_paths.h"
#include "core/file_tree.h"
#include "core/names.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/clock.h"

namespace nanogrid {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

Status AlreadyExists(std::string_view key) {
  return MakeError(absl::StatusCode::kAlreadyExists, "object '{}' exists already", key);
}

class FileObjectStore final : public ObjectStore {
 public:
  FileObjectStore(UniqueFd root, UniqueFd temporary, bool fsync)
      : root_(std::move(root)), temporary_(std::move(temporary)), fsync_(fsync) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    const UniqueFd file = OpenBeneath(root_.get(), PathOfKey(key), O_RDONLY | O_NONBLOCK);
    if (!file) return OpenError(key);
    NANOGRID_RETURN_IF_ERROR(DescribeFile(file.get(), key).status());
    std::vector<char> buffer(kChunkBytes);
    for (;;) {
      NANOGRID_RETURN_IF_ERROR(context.Check(Clock::System().Now()));
      const ssize_t size = read(file.get(), buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return ErrnoError(errno, fmt::format("read object '{}'", key));
      if (size == 0) return absl::OkStatus();
      NANOGRID_RETURN_IF_ERROR(sink.Write({buffer.data(), static_cast<size_t>(size)}));
    }
  }

  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    const std::string path = PathOfKey(key);
    TemporaryFile file(temporary_.get());
    NANOGRID_RETURN_IF_ERROR(file.Create());
    NANOGRID_RETURN_IF_ERROR(Fill(context, source, file.fd()));
    NANOGRID_ASSIGN_OR_RETURN(ObjectInfo written, DescribeFile(file.fd(), key));
    // Another process's Remove may delete an empty directory between here and there.
    for (int attempt = 0;; ++attempt) {
      NANOGRID_RETURN_IF_ERROR(context.Check(Clock::System().Now()));
      NANOGRID_ASSIGN_OR_RETURN(const UniqueFd parent, MakeDirectories(ParentOf(path)));
      const int error = file.Publish(parent.get(), LastOf(path), options.if_absent);
      if (error == EEXIST && options.if_absent) return AlreadyExists(key);
      if (error == ENOENT && attempt < kMaxAttempts) continue;
      if (error != 0) return ErrnoError(error, fmt::format("publish object '{}'", key));
      break;
    }
    NANOGRID_RETURN_IF_ERROR(SyncDirectories(ParentOf(path)));
    return written;
  }

  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(Clock::System().Now()));
    const UniqueFd file = OpenBeneath(root_.get(), PathOfKey(key), O_PATH);
    if (!file) return OpenError(key);
    return DescribeFile(file.get(), key);
  }

  Status Remove(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(Clock::System().Now()));
    std::string path = PathOfKey(key);
    int flags = 0;
    for (;;) {
      const std::string parent_path = ParentOf(path);
      const UniqueFd parent = OpenBeneath(root_.get(), parent_path, O_RDONLY | O_DIRECTORY);
      if (!parent && errno == ENOENT) return absl::OkStatus();
      if (!parent) return ErrnoError(errno, fmt::format("remove object '{}'", key));
      if (unlinkat(parent.get(), LastOf(path).c_str(), flags) != 0) {
        // That a directory is kept, because it is not empty or for any other reason, is no error.
        if (flags == AT_REMOVEDIR || errno == ENOENT) return absl::OkStatus();
        return ErrnoError(errno, fmt::format("remove object '{}'", key));
      }
      NANOGRID_RETURN_IF_ERROR(Sync(parent.get()));
      if (parent_path == ".") return absl::OkStatus();
      path = parent_path;
      flags = AT_REMOVEDIR;
    }
  }

  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    Listing listing{
        .context = context, .prefix = prefix, .after = after.value_or(""), .limit = limit};
    NANOGRID_RETURN_IF_ERROR(ListDirectory(".", "", listing));
    return std::move(listing.page);
  }

 private:
  static constexpr int kMaxAttempts = 100;

  struct Listing {
    const Context& context;
    const std::string_view prefix;
    const std::string after;
    const size_t limit;
    ObjectPage page{};

    bool Done() const { return !page.cursor.empty(); }
    // Whether a key that starts with `start` (the whole key, or a directory's) may be on the page.
    bool Wants(std::string_view start, bool directory) const {
      if (!directory) return start.starts_with(prefix) && start > after;
      const bool in_prefix = start.starts_with(prefix) || prefix.starts_with(start);
      return in_prefix && (start > after || after.starts_with(start));
    }
  };
  struct Entry {
    std::string key;  // with a slash at the end: a directory
    std::string path;
    bool operator<(const Entry& other) const { return key < other.key; }
  };

  Status Fill(const Context& context, Source& source, int fd) const {
    std::vector<char> buffer(kChunkBytes);
    for (;;) {
      NANOGRID_RETURN_IF_ERROR(context.Check(Clock::System().Now()));
      NANOGRID_ASSIGN_OR_RETURN(const size_t size, source.Read(buffer));
      if (size == 0) break;
      NANOGRID_RETURN_IF_ERROR(WriteAll(fd, {buffer.data(), size}));
    }
    // The kernel's own time stamps are a few milliseconds coarse; an etag needs better.
    timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[1] = times[0];
    if (futimens(fd, times) != 0) return ErrnoError(errno, "set time of file in object store");
    return Sync(fd);
  }

  Status Sync(int fd) const {
    if (!fsync_ || fsync(fd) == 0) return absl::OkStatus();
    return ErrnoError(errno, "fsync in object store");
  }

  // `path` and all above it: another writer may have made them and not come to its fsync yet.
  Status SyncDirectories(std::string path) const {
    if (!fsync_) return absl::OkStatus();
    for (;; path = ParentOf(path)) {
      const UniqueFd directory = OpenBeneath(root_.get(), path, O_RDONLY | O_DIRECTORY);
      if (!directory && errno == ENOENT) return absl::OkStatus();  // removed since, as a whole
      if (!directory) return ErrnoError(errno, "open directory of object store");
      NANOGRID_RETURN_IF_ERROR(Sync(directory.get()));
      if (path == ".") return absl::OkStatus();
    }
  }

  Result<UniqueFd> MakeDirectories(const std::string& path) const {
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      UniqueFd directory = OpenBeneath(root_.get(), path, O_RDONLY | O_DIRECTORY);
      if (directory) return directory;
      if (errno != ENOENT || path == ".") break;
      NANOGRID_ASSIGN_OR_RETURN(const UniqueFd parent, MakeDirectories(ParentOf(path)));
      if (mkdirat(parent.get(), LastOf(path).c_str(), 0700) != 0 && errno != EEXIST &&
          errno != ENOENT) {
        break;
      }
    }
    return ErrnoError(errno, fmt::format("make directory '{}' in object store", path));
  }

  static Status OpenError(std::string_view key) {
    if (errno == ENOENT) return NotFound("object '{}' does not exist", key);
    return ErrnoError(errno, fmt::format("open object '{}'", key));
  }

  static Result<ObjectInfo> DescribeFile(int fd, std::string_view key) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return ErrnoError(errno, fmt::format("stat object '{}'", key));
    if (!S_ISREG(info.st_mode)) {
      return FailedPrecondition("object '{}': its file is not a regular file", key);
    }
    const auto since_epoch =
        std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
    return ObjectInfo{
        .key = std::string(key),
        .size = static_cast<uint64_t>(info.st_size),
        .etag = fmt::format("{:x}-{:x}", info.st_ino, since_epoch.count()),
        .modified = SystemTime(std::chrono::floor<std::chrono::milliseconds>(since_epoch))};
  }

  // What lies in the directory at `path`, whose keys begin with `start` and then `escaped`, the
  // first parts of a name that goes on here.
  Status ReadEntries(const std::string& path, const std::string& start, const std::string& escaped,
                     const Listing& listing, std::vector<Entry>& entries) const {
    UniqueFd fd = OpenBeneath(root_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!fd && errno == ENOENT) return absl::OkStatus();  // removed meanwhile
    if (!fd) return ErrnoError(errno, fmt::format("open directory '{}' of object store", path));
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd.get()),
                                                        [](DIR* dir) { return closedir(dir); });
    if (!directory) return ErrnoError(errno, "read directory of object store");
    (void)fd.Release();  // closedir closes it
    const std::string below = path == "." ? "" : path + "/";
    for (;;) {
      errno = 0;
      const dirent* const found = readdir(directory.get());
      if (found == nullptr && errno != 0)
        return ErrnoError(errno, "read directory of object store");
      if (found == nullptr) return absl::OkStatus();
      const std::string_view name = found->d_name;
      if (name == "." || name == ".." || (below.empty() && name == kTemporaryDirectory)) continue;
      const FileName parsed = ParseFileName(name);
      const std::string segment = escaped + std::string(parsed.escaped);
      if (parsed.kind == FileKind::kContinuation) {
        NANOGRID_RETURN_IF_ERROR(
            ReadEntries(below + found->d_name, start, segment, listing, entries));
        continue;
      }
      const std::optional<std::string> unescaped = UnescapeSegment(segment);
      const bool is_directory = parsed.kind == FileKind::kDirectory;
      if (!unescaped) continue;
      std::string key = start + *unescaped + (is_directory ? "/" : "");
      if (listing.Wants(key, is_directory))
        entries.push_back({std::move(key), below + found->d_name});
    }
  }

  Status ListDirectory(const std::string& path, const std::string& start, Listing& listing) const {
    NANOGRID_RETURN_IF_ERROR(listing.context.Check(Clock::System().Now()));
    std::vector<Entry> entries;
    NANOGRID_RETURN_IF_ERROR(ReadEntries(path, start, "", listing, entries));
    std::sort(entries.begin(), entries.end());
    for (const Entry& entry : entries) {
      if (entry.key.back() == '/') {
        NANOGRID_RETURN_IF_ERROR(ListDirectory(entry.path, entry.key, listing));
      } else {
        NANOGRID_RETURN_IF_ERROR(ListObject(entry, listing));
      }
      if (listing.Done()) break;
    }
    return absl::OkStatus();
  }

  Status ListObject(const Entry& entry, Listing& listing) const {
    const UniqueFd file = OpenBeneath(root_.get(), entry.path, O_PATH);
    if (!file) return absl::OkStatus();  // removed meanwhile, or not the store's
    Result<ObjectInfo> object = DescribeFile(file.get(), entry.key);
    if (!object.ok()) return absl::OkStatus();  // not the store's
    auto& page = listing.page;
    if (page.objects.size() == listing.limit) {
      page.cursor = MakeCursor(page.objects.back().key);
    } else {
      page.objects.push_back(*std::move(object));
    }
    return absl::OkStatus();
  }

  const UniqueFd root_;
  const UniqueFd temporary_;
  const bool fsync_;
};

Result<std::unique_ptr<ObjectStore>> OpenStore(const FileObjectStoreOptions& options) {
  if (options.directory.empty() || options.directory.find('\0') != std::string::npos) {
    return InvalidArgument("directory '{}' of object store: must be a path", options.directory);
  }
  NANOGRID_ASSIGN_OR_RETURN(UniqueFd root, MakeRootDirectory(options.directory, options.fsync));
  NANOGRID_ASSIGN_OR_RETURN(UniqueFd temporary, OpenTemporaryDirectory(root.get()));
  return std::make_unique<FileObjectStore>(std::move(root), std::move(temporary), options.fsync);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> MakeFileObjectStore(const FileObjectStoreOptions& options) {
  return OpenStore(options);
}

Result<std::unique_ptr<ObjectStore>> MakeFileObjectStore(const Uri& uri) {
  if (uri.scheme != "file") return InvalidArgument("URI '{}': must be file:///dir", uri.ToString());
  if (!uri.host.empty() || uri.path.empty() || uri.path[0] != '/') {
    return InvalidArgument("URI '{}': must be file:///dir, an absolute path without a host",
                           uri.ToString());
  }
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({"fsync"}));
  FileObjectStoreOptions options{.directory = uri.path};
  if (const auto fsync = uri.query.find("fsync"); fsync != uri.query.end()) {
    if (fsync->second != "true" && fsync->second != "false") {
      return InvalidArgument("URI query: fsync '{}': must be true or false", fsync->second);
    }
    options.fsync = fsync->second == "true";
  }
  return OpenStore(options);
}

}  // namespace nanogrid
