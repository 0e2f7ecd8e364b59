#include "sandbox/common/launch_block.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "core/errors.h"
#include "sandbox/common/init_wire.h"
#include "sandbox/common/output_files.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxSize = 128 * 1024;  // as the kernel bounds one argument (execve(2))

}  // namespace

Result<UniqueFd> MakeLaunchBlock(const std::vector<std::string>& command,
                                 const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> env = given;
  env[kOutputVariable] = kOutputPath;
  if (command.empty() || command[0].empty() || command[0][0] != '/') {
    return InvalidArgument("command: '{}' is not an absolute path inside the sandbox",
                           command.empty() ? "" : command[0]);
  }
  std::vector<uint64_t> offsets;
  std::string strings;
  const size_t strings_start =
      sizeof(wire::LaunchHeader) + sizeof(uint64_t) * (command.size() + 1 + env.size() + 1);
  const auto add = [&](const std::string& text) {
    offsets.push_back(strings_start + strings.size());
    strings.append(text).push_back('\0');
  };
  for (const std::string& argument : command) add(argument);
  offsets.push_back(0);
  for (const auto& [key, value] : env) add(std::string(key).append("=").append(value));
  offsets.push_back(0);
  size_t nul_bytes = 0;
  for (const char c : strings) nul_bytes += c == '\0' ? 1 : 0;
  if (nul_bytes != command.size() + env.size()) {
    return InvalidArgument("command or env: a NUL byte cannot be passed to a program");
  }
  wire::LaunchHeader header;
  header.size = strings_start + strings.size();
  header.argc = command.size();
  header.envc = env.size();
  if (header.size > kMaxSize) {
    return InvalidArgument("env: command and environment take {} bytes, the limit is {}",
                           header.size, kMaxSize);
  }
  std::string block(reinterpret_cast<const char*>(&header), sizeof(header));
  block.append(reinterpret_cast<const char*>(offsets.data()), offsets.size() * sizeof(uint64_t));
  block.append(strings);
  UniqueFd fd(memfd_create("nanogrid-launch", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || write(fd.get(), block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return ErrnoError(errno, "write launch block");
  }
  return fd;
}

}  // namespace nanogrid
