#include "tool_version.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

std::string ToolVersion(const std::string& path) {
  if (access(path.c_str(), X_OK) != 0) return {};
  // Go alone has a subcommand for it. Paths come from the table of runtimes, not from users.
  const bool is_go = path.ends_with("/go");
  const std::string command =
      fmt::format("'{}' {} 2>/dev/null < /dev/null", path, is_go ? "version" : "--version");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "re"), pclose);
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return "present";
  std::string version = line.data();
  while (!version.empty() && version.back() == '\n') version.pop_back();
  return version;
}
