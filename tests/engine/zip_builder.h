// Makes zip archives, also such as no decent program would.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanogrid {

struct ZipEntry {
  std::string name{};
  std::string content{};
  uint32_t mode = 0100644;                  // st_mode; a link's target is its content
  uint16_t flags = 0;                       // 1: encrypted
  std::optional<uint32_t> declared_size{};  // instead of the true one
};

// An archive of stored (not deflated) entries, byte by byte as the zip specification (APPNOTE)
// says.
std::string MakeZip(const std::vector<ZipEntry>& entries);

// A deflated archive, as any program makes them. `zip64` forces 64-bit sizes.
std::string MakeDeflatedZip(const std::vector<std::pair<std::string, std::string>>& files,
                            bool zip64 = false);

}  // namespace nanogrid
