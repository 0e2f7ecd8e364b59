// Reads a configuration file: TOML or JSON in, names with their values out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/status.h"

namespace nanogrid {

struct FileValue {
  std::string name{};  // "scaling.min": tables are joined by dots
  std::string text{};
  bool is_text = false;  // it was a string, no number or boolean
  uint32_t line = 0;     // 0: not known
};

// JSON if it begins with '{', otherwise TOML. InvalidArgument says where and what is wrong; lists,
// dates and null are values of no setting.
Result<std::vector<FileValue>> ParseConfigText(std::string_view text);

// "path:line: …" in errors.
Result<std::vector<FileValue>> ReadConfigFile(const std::string& path);

}  // namespace nanogrid
