#include "workspace.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

// Put in by nanogrid_embed (CMakeLists.txt).
extern "C" const char bench_tiny_begin[], bench_tiny_end[];
extern "C" const char bench_pipe_echo_begin[], bench_pipe_echo_end[];
extern "C" const char bench_echo_function_begin[], bench_echo_function_end[];

namespace {

nanogrid::Status WriteProgram(const std::string& path, const char* begin, const char* end) {
  std::ofstream file(path, std::ios::binary);
  file.write(begin, end - begin);
  file.close();
  // A sandbox runs as a user of its own.
  if (!file || chmod(path.c_str(), 0755) != 0) {
    return absl::InternalError(fmt::format("write {}: {}", path, std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace

nanogrid::Result<std::unique_ptr<Workspace>> Workspace::Make() {
  std::string path = (std::filesystem::temp_directory_path() / "nanogrid-bench-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr || chmod(path.c_str(), 0755) != 0) {
    return absl::InternalError(fmt::format("make {}: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<Workspace> workspace(new Workspace(path));
  for (const nanogrid::Status& written :
       {WriteProgram(workspace->tiny(), bench_tiny_begin, bench_tiny_end),
        WriteProgram(workspace->pipe_echo(), bench_pipe_echo_begin, bench_pipe_echo_end),
        WriteProgram(workspace->echo_function(), bench_echo_function_begin,
                     bench_echo_function_end)}) {
    if (!written.ok()) return written;
  }
  return workspace;
}

Workspace::~Workspace() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
