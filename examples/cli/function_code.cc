#include "function_code.h"

#include <fmt/format.h>
#include <nanogrid/settings.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace {

// "my hello.py" → "my_hello"
std::string NameOf(const std::filesystem::path& path) {
  std::error_code ignored;
  std::string name = std::filesystem::absolute(path, ignored).lexically_normal().stem().string();
  if (name.empty() && path.has_parent_path()) return NameOf(path.parent_path());
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '_');
  return name.empty() ? "function" : name.substr(0, 64);
}

}  // namespace

nanogrid::Result<nanogrid::FunctionSpec> MakeSpec(const std::string& path, const std::string& name,
                                                  const GivenSettings& settings) {
  using nanogrid::Status;
  nanogrid::FunctionSpec spec{.name = name.empty() ? NameOf(path) : name,
                              .code = nanogrid::Code::FromPath(path)};
  for (const auto& [setting, value] : settings) {
    if (Status status = nanogrid::ApplySetting(spec, setting, value); !status.ok()) return status;
  }
  if (Status status = nanogrid::ValidateSpec(spec); !status.ok()) return status;
  if (std::error_code error; !std::filesystem::exists(path, error)) {
    return absl::InvalidArgumentError(
        fmt::format("path '{}': {}", path, error ? error.message() : "no such file or directory"));
  }
  return spec;
}
