#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/errors.h"
#include "core/unique_fd.h"
#include "nanogrid/adapters/http.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr size_t kMinToken = 16;
constexpr size_t kMaxToken = 512;

Result<std::string> ReadAll(int fd, const std::string& path) {
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError(errno, "token file " + path);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > kMaxFile) return InvalidArgument("token file {}: larger than 1 MiB", path);
  }
}

bool IsToken(std::string_view line) {
  return line.size() >= kMinToken && line.size() <= kMaxToken &&
         std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

Result<std::vector<std::string>> ReadTokenFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoError(errno, "token file " + path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(errno, "token file " + path);
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return FailedPrecondition("token file {}: others may read it; chmod 600 {}", path, path);
  }
  NANOGRID_ASSIGN_OR_RETURN(const std::string text, ReadAll(fd.get(), path));
  std::vector<std::string> tokens;
  size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (!IsToken(line)) {
      return InvalidArgument("token file {}, line {}: a token is {}..{} visible ASCII characters",
                             path, number, kMinToken, kMaxToken);
    }
    tokens.emplace_back(line);
  }
  if (tokens.empty()) return InvalidArgument("token file {}: has no token", path);
  return tokens;
}

}  // namespace nanogrid
