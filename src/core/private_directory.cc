#include "core/private_directory.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>

#include "core/errors.h"

namespace nanogrid {
namespace {

bool AllowsPrograms(const std::string& directory) {
  struct statvfs info {};
  return ::access(directory.c_str(), W_OK | X_OK) == 0 &&
         ::statvfs(directory.c_str(), &info) == 0 && (info.f_flag & (ST_NOEXEC | ST_RDONLY)) == 0;
}

}  // namespace

Result<ScratchDirectory> MakePrivateDirectory() {
  const char* const chosen = ::getenv("TMPDIR");
  const std::string first = chosen != nullptr && chosen[0] == '/' ? chosen : "/tmp";
  for (const std::string& parent : {first, std::string("/var/tmp")}) {
    if (!AllowsPrograms(parent)) continue;
    const std::string prefix = fmt::format("nanogrid-{}-", ::geteuid());
    ScratchDirectory::RemoveAbandoned(parent, prefix);
    return ScratchDirectory::Make(parent, prefix, 0711);
  }
  return FailedPrecondition(
      "neither {} nor /var/tmp can be written to and executed from; set TMPDIR to a directory that "
      "is not mounted noexec",
      first);
}

}  // namespace nanogrid
