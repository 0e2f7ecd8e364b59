#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "core/errors.h"
#include "core/names.h"
#include "core/unique_fd.h"
#include "nanogrid/adapters/secrets.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxSecret = 64 << 10;

Status NoSecret(std::string_view name) { return NotFound("there is no secret '{}'", name); }

class EnvironmentSecrets final : public SecretSource {
 public:
  explicit EnvironmentSecrets(std::string prefix) : prefix_(std::move(prefix)) {}

  Result<std::string> Get(const Context& context, std::string_view name) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    NANOGRID_RETURN_IF_ERROR(CheckSecretName(name));
    std::string variable = prefix_;
    for (const unsigned char c : name) {
      variable += std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
    }
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr) return NoSecret(name);
    return std::string(value);
  }

 private:
  const std::string prefix_;
};

class FileSecrets final : public SecretSource {
 public:
  explicit FileSecrets(UniqueFd directory) : directory_(std::move(directory)) {}

  Result<std::string> Get(const Context& context, std::string_view name) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    NANOGRID_RETURN_IF_ERROR(CheckSecretName(name));
    const std::string path(name);
    open_how how = {};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const UniqueFd file(static_cast<int>(
        ::syscall(SYS_openat2, directory_.get(), path.c_str(), &how, sizeof(how))));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return NoSecret(name);
    if (!file) return ErrnoError(errno, "secret '" + path + "'");
    struct stat info = {};
    if (::fstat(file.get(), &info) != 0) return ErrnoError(errno, "secret '" + path + "'");
    if (!S_ISREG(info.st_mode)) return NoSecret(name);
    if ((info.st_mode & S_IROTH) != 0) {
      return MakeError(absl::StatusCode::kPermissionDenied,
                       "secret '{}': everybody may read its file; chmod o-r it", name);
    }
    std::string value(kMaxSecret + 1, '\0');
    size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < value.size(); size += static_cast<size_t>(got)) {
      got = ::read(file.get(), value.data() + size, value.size() - size);
      if (got < 0) return ErrnoError(errno, "secret '" + path + "'");
    }
    if (size > kMaxSecret) {
      return InvalidArgument("secret '{}': its file has more than {} bytes", name, kMaxSecret);
    }
    value.resize(size);
    if (value.ends_with('\n')) value.pop_back();
    return value;
  }

 private:
  const UniqueFd directory_;
};

}  // namespace

std::unique_ptr<SecretSource> MakeEnvironmentSecrets(std::string prefix) {
  return std::make_unique<EnvironmentSecrets>(std::move(prefix));
}

Result<std::unique_ptr<SecretSource>> MakeFileSecrets(const std::string& directory) {
  UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return ErrnoError(errno, "directory of secrets " + directory);
  return std::make_unique<FileSecrets>(std::move(opened));
}

Result<std::unique_ptr<SecretSource>> MakeEnvironmentSecrets(const Uri& uri) {
  const auto valid = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (uri.has_authority || !uri.query.empty() ||
      !std::all_of(uri.path.begin(), uri.path.end(), valid)) {
    return InvalidArgument("'{}': must be env: or env:PREFIX", uri.ToString());
  }
  return MakeEnvironmentSecrets(uri.path);
}

Result<std::unique_ptr<SecretSource>> MakeFileSecrets(const Uri& uri) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({}));
  if (!uri.host.empty() || !uri.path.starts_with('/')) {
    return InvalidArgument("'{}': must be file:///directory", uri.ToString());
  }
  return MakeFileSecrets(uri.path);
}

}  // namespace nanogrid
