#include "sandbox/common/output_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/errors.h"
#include "core/names.h"

namespace nanogrid {
namespace {

constexpr size_t kPieceSize = 256 * 1024;

UniqueFd OpenBeneath(int directory, const char* name, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if ((flags & O_PATH) != 0) how.flags &= ~static_cast<uint64_t>(O_NONBLOCK);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, directory, name, &how, sizeof(how))));
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory OpenForReading(int parent, const char* name) {
  UniqueFd fd = OpenBeneath(parent, name, O_RDONLY | O_DIRECTORY);
  DIR* const stream = fd ? fdopendir(fd.get()) : nullptr;
  if (stream != nullptr) (void)fd.Release();
  return {stream, closedir};
}

// The next name but "." and ".."; null at the end.
const char* NextName(DIR* directory) {
  while (const dirent* const entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// U+0080 to U+009F, which terminals obey too: C2 80 to C2 9F.
bool HasHighControl(std::string_view name) {
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    if (name[i] == '\xc2' && static_cast<unsigned char>(name[i + 1]) < 0xa0) return true;
  }
  return false;
}

bool IsGoodName(std::string_view name) {
  return IsUtf8(name) && std::none_of(name.begin(), name.end(), IsControl) && !HasHighControl(name);
}

// As a refused file is listed: everything doubtful as "\xNN".
std::string Shown(std::string_view name) {
  if (IsGoodName(name)) return std::string(name);
  std::string shown;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    shown += IsControl(c) || byte >= 0x80 ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return shown;
}

const char* WhyNotTaken(const struct stat& info) {
  switch (info.st_mode & S_IFMT) {
    case S_IFREG:
      if (info.st_nlink != 1) return "is a hard link: it has more than one name";
      return (info.st_mode & S_IRUSR) != 0 ? nullptr : "is not readable: its mode forbids it";
    case S_IFDIR:
      return (info.st_mode & (S_IRUSR | S_IXUSR)) == (S_IRUSR | S_IXUSR)
                 ? nullptr
                 : "is not readable: its mode forbids it";
    case S_IFLNK:
      return "is a symbolic link";
    case S_IFIFO:
      return "is a FIFO";
    case S_IFSOCK:
      return "is a socket";
    default:
      return "is a device";
  }
}

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_mode == b.st_mode &&
         a.st_nlink == b.st_nlink;
}

class Collector {
 public:
  Collector(const OutputLimits& limits, FileSink& sink, CollectedOutput& collected)
      : limits_(limits), sink_(sink), collected_(collected) {}

  // Recursive, at most kMaxOutputDepth deep.
  Status Walk(DIR* directory, const std::string& prefix, size_t depth);

 private:
  Status Take(int parent, const std::string& name, const std::string& prefix, size_t depth);
  Status TakeFile(int fd, const std::string& path, uint64_t size);
  void Refuse(std::string path, uint64_t size, std::string reason) {
    if (collected_.refused.size() == kMaxRefusedFiles) return;
    collected_.refused.push_back({std::move(path), size, std::move(reason)});
  }

  const OutputLimits& limits_;
  FileSink& sink_;
  CollectedOutput& collected_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
  bool full_ = false;
};

Status Collector::Walk(DIR* directory, const std::string& prefix, size_t depth) {
  std::vector<std::string> names;
  std::optional<std::string> one_too_many;
  while (const char* const name = NextName(directory)) {
    if (entries_ == limits_.max_entries) {
      one_too_many = name;
      break;
    }
    ++entries_;
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    NANOGRID_RETURN_IF_ERROR(Take(dirfd(directory), name, prefix, depth));
  }
  if (one_too_many && !full_) {
    full_ = true;
    Refuse(prefix + Shown(*one_too_many), 0,
           fmt::format("there are more than {} files and directories", limits_.max_entries));
  }
  return absl::OkStatus();
}

Status Collector::Take(int parent, const std::string& name, const std::string& prefix,
                       size_t depth) {
  const std::string path = prefix + Shown(name);
  struct stat seen {};
  if (fstatat(parent, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
    return ErrnoError(errno, "look at an output file");
  }
  const uint64_t size = S_ISREG(seen.st_mode) ? static_cast<uint64_t>(seen.st_size) : 0;
  const auto refuse = [&](std::string reason) {
    Refuse(path, size, std::move(reason));
    return absl::OkStatus();
  };
  if (!IsGoodName(name)) return refuse("its name is not UTF-8 without control characters");
  if (const char* const reason = WhyNotTaken(seen)) return refuse(reason);
  const bool is_directory = S_ISDIR(seen.st_mode);
  if (is_directory && depth == kMaxOutputDepth) {
    return refuse(fmt::format("is a directory {} deep", kMaxOutputDepth));
  }
  if (size > limits_.max_bytes - bytes_) {
    return refuse(fmt::format("the files exceed {} bytes together", limits_.max_bytes));
  }
  // A FIFO, device or link is not even opened; that it is still what was seen is checked again.
  if (is_directory) {
    const Directory below = OpenForReading(parent, name.c_str());
    struct stat opened {};
    if (!below) return refuse(fmt::format("cannot be opened (errno {})", errno));
    if (fstat(dirfd(below.get()), &opened) != 0 || !SameFile(seen, opened)) {
      return refuse("was replaced while it was looked at");
    }
    return Walk(below.get(), path + "/", depth + 1);
  }
  const UniqueFd fd = OpenBeneath(parent, name.c_str(), O_RDONLY);
  struct stat opened {};
  if (!fd) return refuse(fmt::format("cannot be opened (errno {})", errno));
  if (fstat(fd.get(), &opened) != 0 || !SameFile(seen, opened) || opened.st_size != seen.st_size) {
    return refuse("was replaced while it was looked at");
  }
  return TakeFile(fd.get(), path, size);
}

Status Collector::TakeFile(int fd, const std::string& path, uint64_t size) {
  NANOGRID_RETURN_IF_ERROR(sink_.Begin(path, size));
  std::vector<char> piece(std::min<uint64_t>(size, kPieceSize));
  for (uint64_t left = size; left > 0;) {
    const ssize_t got = read(fd, piece.data(), std::min<uint64_t>(left, piece.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError(errno, "read an output file");
    if (got == 0) return Internal("an output file became shorter while it was read");
    NANOGRID_RETURN_IF_ERROR(sink_.Write({piece.data(), static_cast<size_t>(got)}));
    left -= static_cast<uint64_t>(got);
  }
  NANOGRID_RETURN_IF_ERROR(sink_.End());
  bytes_ += size;
  collected_.files.push_back({path, size, {}});
  return absl::OkStatus();
}

// Removes a tree with a constant number of descriptors, however deep it is: directories that are
// not empty hand their sub-directories up to the top.
class Emptier {
 public:
  Emptier(DIR* top, uint64_t max_entries) : top_(top), left_(max_entries) {}

  Status Run() {
    for (bool any = true; any;) {
      any = false;
      rewinddir(top_);
      while (const char* const name = NextName(top_)) {
        any = true;
        NANOGRID_RETURN_IF_ERROR(Remove(name));
      }
    }
    return absl::OkStatus();
  }

 private:
  int top() const { return dirfd(top_); }

  Status Count() {
    if (left_-- > 0) return absl::OkStatus();
    left_ = 0;
    return MakeError(absl::StatusCode::kResourceExhausted,
                     "the output directory does not get empty");
  }
  static Status Failed() { return ErrnoError(errno, "empty the output directory"); }

  Status Remove(const char* name) {
    NANOGRID_RETURN_IF_ERROR(Count());
    if (unlinkat(top(), name, 0) == 0) return absl::OkStatus();
    if (errno != EISDIR) return Failed();
    if (unlinkat(top(), name, AT_REMOVEDIR) == 0) return absl::OkStatus();
    if (errno != ENOTEMPTY && errno != EEXIST) return Failed();
    const Directory below = OpenForReading(top(), name);
    if (!below) return Failed();
    while (const char* const inner = NextName(below.get())) {
      NANOGRID_RETURN_IF_ERROR(Count());
      const int from = dirfd(below.get());
      if (unlinkat(from, inner, 0) == 0) continue;
      if (errno != EISDIR) return Failed();
      if (unlinkat(from, inner, AT_REMOVEDIR) == 0) continue;
      NANOGRID_RETURN_IF_ERROR(HandUp(from, inner));
    }
    if (unlinkat(top(), name, AT_REMOVEDIR) != 0) return Failed();
    return absl::OkStatus();
  }

  Status HandUp(int from, const char* name) {
    for (;;) {
      NANOGRID_RETURN_IF_ERROR(Count());
      const std::string to = ".nanogrid-" + std::to_string(next_++);
      if (renameat2(from, name, top(), to.c_str(), RENAME_NOREPLACE) == 0) return absl::OkStatus();
      if (errno != EEXIST) return Failed();
    }
  }

  DIR* top_;
  uint64_t left_;
  uint64_t next_ = 0;
};

}  // namespace

UniqueFd OpenOutputDirectory(int parent, const char* name) {
  return OpenBeneath(parent, name, O_PATH | O_DIRECTORY);
}

bool HasOutput(int directory) {
  const Directory top = OpenForReading(directory, ".");
  return !top || NextName(top.get()) != nullptr;
}

// Whatever is made in, taken out of or done to a directory sets its time of change. The kernel's
// clock for that may stand still for a few milliseconds; but on a tmpfs the directory's size tells
// how many names are in it.
void EmptyMark::Look(UniqueFd directory) {
  directory_.Reset();
  struct stat info {};
  struct statfs system {};
  if (fstat(directory.get(), &info) != 0 || fstatfs(directory.get(), &system) != 0) return;
  if (system.f_type != TMPFS_MAGIC || HasOutput(directory.get())) return;
  changed_ = info.st_ctim;
  size_ = info.st_size;
  directory_ = std::move(directory);
}

bool EmptyMark::Holds() const {
  struct stat info {};
  return directory_ && fstat(directory_.get(), &info) == 0 && info.st_size == size_ &&
         info.st_nlink > 0 && info.st_ctim.tv_sec == changed_.tv_sec &&
         info.st_ctim.tv_nsec == changed_.tv_nsec;
}

Status CollectOutput(int directory, const OutputLimits& limits, FileSink& sink,
                     CollectedOutput& collected) {
  struct stat info {};
  if (fstat(directory, &info) != 0) return ErrnoError(errno, "look at the output directory");
  if (!S_ISDIR(info.st_mode)) return Internal("the output directory is none");
  if (const char* const reason = WhyNotTaken(info)) {
    collected.refused.push_back({".", 0, reason});
    return absl::OkStatus();
  }
  const Directory top = OpenForReading(directory, ".");
  if (!top) return ErrnoError(errno, "open the output directory");
  return Collector(limits, sink, collected).Walk(top.get(), "", 1);
}

Status EmptyOutput(int directory, uint64_t max_entries) {
  const Directory top = OpenForReading(directory, ".");
  if (!top) return ErrnoError(errno, "open the output directory");
  return Emptier(top.get(), max_entries).Run();
}

}  // namespace nanogrid
