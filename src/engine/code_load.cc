#include "engine/code_load.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string>

#include "core/errors.h"
#include "core/unique_fd.h"
#include "engine/code_path.h"
#include "engine/code_zip.h"

namespace nanogrid {
namespace {

using Kind = CodeEntry::Kind;

// Reads all of `fd` through `append`, which may refuse.
template <typename Append>
Status ReadAll(int fd, const std::string& shown, Append append) {
  char buffer[64 << 10];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError(errno, "code: read " + shown);
    if (count == 0) return absl::OkStatus();
    NANOGRID_RETURN_IF_ERROR(append(std::string_view(buffer, static_cast<size_t>(count))));
  }
}

Status AddFile(int fd, const struct stat& info, const std::string& name, CodeCollector& collector) {
  const Kind kind = (info.st_mode & S_IXUSR) != 0 ? Kind::kProgram : Kind::kFile;
  NANOGRID_ASSIGN_OR_RETURN(const bool taken,
                            collector.Begin(name, kind, static_cast<uint64_t>(info.st_size)));
  if (!taken) return absl::OkStatus();
  return ReadAll(fd, QuoteName(name),
                 [&](std::string_view bytes) { return collector.Append(bytes); });
}

Status AddLink(int directory, const char* base, const std::string& name, CodeCollector& collector) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(directory, base, target, sizeof(target));
  if (length < 0) return ErrnoError(errno, "code: readlink " + QuoteName(name));
  NANOGRID_ASSIGN_OR_RETURN(const bool taken, collector.Begin(name, Kind::kLink, 0));
  return taken ? collector.Append({target, static_cast<size_t>(length)}) : absl::OkStatus();
}

Status AddTree(UniqueFd directory, const std::string& prefix, CodeCollector& collector);

// The tree may change while it is read, so every step goes by descriptor and follows no link.
Status AddDirectoryEntry(int directory, const char* base, const std::string& name,
                         CodeCollector& collector) {
  if (IsIgnoredCodePath(name)) return absl::OkStatus();
  struct stat info {};
  if (::fstatat(directory, base, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return ErrnoError(errno, "code: stat " + QuoteName(name));
  }
  if (S_ISLNK(info.st_mode)) return AddLink(directory, base, name, collector);
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    return InvalidArgument("code: entry {} is neither a file, a directory nor a link",
                           QuoteName(name));
  }
  UniqueFd fd(::openat(directory, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return ErrnoError(errno, "code: open " + QuoteName(name));
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(errno, "code: stat " + QuoteName(name));
  if (S_ISREG(info.st_mode)) return AddFile(fd.get(), info, name, collector);
  NANOGRID_RETURN_IF_ERROR(collector.AddDirectory(name));
  return AddTree(std::move(fd), name + "/", collector);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Recursion is bounded by the depth that NormalizeCodePath accepts.
Status AddTree(UniqueFd directory, const std::string& prefix, CodeCollector& collector) {
  const std::unique_ptr<DIR, CloseDirectory> entries(::fdopendir(directory.get()));
  if (entries == nullptr) return ErrnoError(errno, "code: open directory " + QuoteName(prefix));
  const int fd = directory.Release();  // closedir closes it
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr && errno != 0) {
      return ErrnoError(errno, "code: read directory " + QuoteName(prefix));
    }
    if (entry == nullptr) return absl::OkStatus();
    const std::string_view base = entry->d_name;
    if (base == "." || base == "..") continue;
    NANOGRID_RETURN_IF_ERROR(
        AddDirectoryEntry(fd, entry->d_name, prefix + std::string(base), collector));
  }
}

bool IsZipName(std::string_view name) {
  const std::string_view end = name.size() < 4 ? name : name.substr(name.size() - 4);
  return end == ".zip" || end == ".ZIP";
}

Result<CodeListing> LoadZipFile(int fd, const std::string& path, const CodeLimits& limits) {
  std::string archive;
  NANOGRID_RETURN_IF_ERROR(ReadAll(fd, QuoteName(path), [&](std::string_view bytes) -> Status {
    if (archive.size() + bytes.size() > limits.max_bytes) {
      return InvalidArgument("code: {} has more than {} bytes, the limit", QuoteName(path),
                             limits.max_bytes);
    }
    archive += bytes;
    return absl::OkStatus();
  }));
  return ReadZip(archive, limits);
}

Result<CodeListing> LoadPath(const std::string& path, const CodeLimits& limits) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return InvalidArgument("code: the path {} cannot be a path", QuoteName(path));
  }
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return ErrnoError(errno, "code: open " + QuoteName(path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(errno, "code: stat " + QuoteName(path));
  CodeCollector collector(limits);
  if (S_ISDIR(info.st_mode)) {
    NANOGRID_RETURN_IF_ERROR(AddTree(std::move(fd), "", collector));
    return collector.Finish();
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidArgument("code: {} is neither a file nor a directory", QuoteName(path));
  }
  if (IsZipName(path)) return LoadZipFile(fd.get(), path, limits);
  const std::string name = path.substr(path.rfind('/') + 1);
  NANOGRID_RETURN_IF_ERROR(AddFile(fd.get(), info, name, collector));
  return collector.Finish();
}

// There is no permission bit beside text: what the kernel could execute is a program.
Result<CodeListing> LoadInline(const Code& code, const CodeLimits& limits) {
  const bool program = code.bytes.starts_with("#!") || code.bytes.starts_with(
                                                           "\x7f"
                                                           "ELF");
  CodeCollector collector(limits);
  NANOGRID_ASSIGN_OR_RETURN(
      const bool taken,
      collector.Begin(code.name, program ? Kind::kProgram : Kind::kFile, code.bytes.size()));
  if (taken) NANOGRID_RETURN_IF_ERROR(collector.Append(code.bytes));
  return collector.Finish();
}

}  // namespace

Result<CodeListing> LoadCode(const Code& code, const CodeLimits& limits) {
  switch (code.kind) {
    case Code::Kind::kInline:
      return LoadInline(code, limits);
    case Code::Kind::kPath:
      return LoadPath(code.name, limits);
    case Code::Kind::kZip:
      return ReadZip(code.bytes, limits);
    case Code::Kind::kNone:
      break;
  }
  return InvalidArgument("code: missing; give Code::Inline, Code::FromPath or Code::Zip");
}

}  // namespace nanogrid
