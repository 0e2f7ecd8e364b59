#include "engine/memory_pressure.h"

#include <fstream>
#include <string>

namespace nanogrid {

std::optional<uint64_t> AvailableMemory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  uint64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemAvailable:") return kilobytes << 10;
    file.ignore(64, '\n');
  }
  return std::nullopt;
}

}  // namespace nanogrid
