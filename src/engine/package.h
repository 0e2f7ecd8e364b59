// From a registered version to what a sandbox starts.
#pragma once

#include <map>
#include <string>

#include "nanogrid/engine.h"

namespace nanogrid {

// Where the code lies inside every sandbox, and the compiled program in it.
inline constexpr char kTaskRoot[] = "/var/task";
inline constexpr char kCompiledDirectory[] = ".nanogrid";
inline constexpr char kCompiledProgram[] = ".nanogrid/program";

// `code_dir`: the unpacked code of version.artifact_digest. `network_env`: EngineParts.
FunctionPackage MakePackage(const FunctionVersion& version, const Runtime& runtime,
                            std::string code_dir,
                            const std::map<std::string, std::string>& network_env);

}  // namespace nanogrid
