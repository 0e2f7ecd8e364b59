#include <string_view>

#include "nanogrid/runtime.h"

// Put in by nanogrid_embed (CMakeLists.txt).
#define NANOGRID_EMBEDDED(name) \
  extern "C" const char runtime_##name##_begin[], runtime_##name##_end[]
NANOGRID_EMBEDDED(python3_bootstrap);
NANOGRID_EMBEDDED(nodejs_bootstrap);
NANOGRID_EMBEDDED(native_function_h);
NANOGRID_EMBEDDED(native_go_package);
NANOGRID_EMBEDDED(native_compile_cpp);
NANOGRID_EMBEDDED(native_compile_go);
#undef NANOGRID_EMBEDDED

namespace nanogrid {
namespace {

std::string Text(const char* begin, const char* end) { return std::string(begin, end); }

Runtime Python3() {
  return {
      .name = "python3",
      .extensions = {".py"},
      // Without site, whose share of a start is a quarter; the bootstrap sets the path up.
      .command = {"/usr/bin/python3", "-S", "-B", "-X", "utf8",
                  "/var/runtime/python3/bootstrap.py"},
      .default_function = "handler",
      .requires_path = "/usr/bin/python3",
      .install_hint = "apt-get install python3",
  };
}

Runtime NodeJs() {
  return {
      .name = "nodejs",
      .extensions = {".js", ".mjs", ".cjs"},
      // V8 collects garbage with the instance's limit in mind, not the host's memory; a function
      // that really needs more ends by that limit.
      .command = {"/usr/bin/node", "--max-old-space-size={memory_mb}",
                  "/var/runtime/nodejs/bootstrap.js"},
      .default_function = "handler",
      .requires_path = "/usr/bin/node",
      .install_hint = "apt-get install nodejs",
  };
}

Limits CompilerLimits() {
  return {
      .memory = 2ull << 30,
      .timeout = std::chrono::minutes(5),
      .tmp_size = 1ull << 30,
      .max_processes = 256,
      .max_output = 256ull << 20,
  };
}

std::vector<Compiler> Compilers() {
  return {
      {
          .extensions = {".cpp", ".cc", ".cxx"},
          .tool = "/usr/bin/g++",
          .install_hint = "apt-get install g++",
          .script = Text(runtime_native_compile_cpp_begin, runtime_native_compile_cpp_end),
          .limits = CompilerLimits(),
      },
      {
          .extensions = {".go"},
          .tool = "/usr/bin/go",
          .install_hint = "apt-get install golang-go",
          .script = Text(runtime_native_compile_go_begin, runtime_native_compile_go_end),
          .limits = CompilerLimits(),
      },
  };
}

Runtime Native() {
  return {
      .name = "native",
      .runs_executables = true,
      .command = {"{program}"},
      .compilers = Compilers(),
  };
}

Runtime Exec() {
  return {
      .name = "exec",
      .protocol = Protocol::kStdio,
      .result_is_json = false,
      .runs_executables = true,
      .command = {"{program}"},
      .compilers = Compilers(),
  };
}

}  // namespace

std::vector<Runtime> BuiltinRuntimes() { return {Python3(), NodeJs(), Native(), Exec()}; }

RuntimeFiles BuiltinRuntimeFiles() {
  return {
      {"python3/bootstrap.py",
       Text(runtime_python3_bootstrap_begin, runtime_python3_bootstrap_end)},
      {"nodejs/bootstrap.js", Text(runtime_nodejs_bootstrap_begin, runtime_nodejs_bootstrap_end)},
      {"native/include/nanogrid/function.h",
       Text(runtime_native_function_h_begin, runtime_native_function_h_end)},
      {"native/go/src/nanogrid/nanogrid.go",
       Text(runtime_native_go_package_begin, runtime_native_go_package_end)},
  };
}

}  // namespace nanogrid
