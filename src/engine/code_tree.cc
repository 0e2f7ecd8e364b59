#include "engine/code_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/errors.h"
#include "core/unique_fd.h"

namespace nanogrid {
namespace {

// Steps into `name`, which only this process can have made: the tree has no foreign link in it.
Result<UniqueFd> EnterDirectory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoError(errno, "mkdir " + name);
  }
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd || ::fchmod(fd.get(), 0755) != 0) return ErrnoError(errno, "open " + name);
  return fd;
}

Status WriteFile(int directory, const std::string& name, const CodeEntry& entry) {
  UniqueFd fd(::openat(directory, name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return ErrnoError(errno, "create " + name);
  for (std::string_view rest = entry.content; !rest.empty();) {
    const ssize_t count = ::write(fd.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError(errno, "write " + name);
    rest.remove_prefix(static_cast<size_t>(count));
  }
  const mode_t mode = entry.kind == CodeEntry::Kind::kProgram ? 0555 : 0444;
  if (::fchmod(fd.get(), mode) != 0) return ErrnoError(errno, "chmod " + name);
  return absl::OkStatus();
}

Status WriteEntry(int root, const std::string& path, const CodeEntry& entry) {
  UniqueFd directory;
  size_t begin = 0;
  for (size_t slash; (slash = path.find('/', begin)) != path.npos; begin = slash + 1) {
    NANOGRID_ASSIGN_OR_RETURN(directory, EnterDirectory(directory ? directory.get() : root,
                                                        path.substr(begin, slash - begin)));
  }
  const int parent = directory ? directory.get() : root;
  const std::string name = path.substr(begin);
  if (entry.kind != CodeEntry::Kind::kLink) return WriteFile(parent, name, entry);
  if (::symlinkat(entry.content.c_str(), parent, name.c_str()) != 0) {
    return ErrnoError(errno, "symlink " + name);
  }
  return absl::OkStatus();
}

}  // namespace

Status WriteCodeTree(int root, const CodeListing& listing) {
  for (const auto& [path, entry] : listing) {
    NANOGRID_RETURN_IF_ERROR(WriteEntry(root, path, entry));
  }
  return absl::OkStatus();
}

}  // namespace nanogrid
