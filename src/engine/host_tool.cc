#include "engine/host_tool.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "core/errors.h"
#include "core/unique_fd.h"

namespace nanogrid {

Result<std::string> IdentifyTool(const std::string& root, const std::string& path,
                                 const std::string& user, const std::string& install_hint) {
  const std::string shown_root = root.empty() ? "/" : root;
  const UniqueFd root_fd(::open(shown_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd) return ErrnoError(errno, "root: open " + shown_root);
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const UniqueFd fd(
      static_cast<int>(::syscall(SYS_openat2, root_fd.get(), path.c_str(), &how, sizeof(how))));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) {
    return FailedPrecondition("{} needs {}{}{}{}", user, path,
                              root.empty() ? "" : " in root " + root,
                              install_hint.empty() ? "" : ": ", install_hint);
  }
  return fmt::format("{} {} {} {}.{:09}", path, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec);
}

}  // namespace nanogrid
