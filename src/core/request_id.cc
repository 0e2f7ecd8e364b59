#include "core/request_id.h"

#include <sys/random.h>

#include <array>
#include <exception>

namespace nanogrid {

std::string MakeRequestId() {
  std::array<unsigned char, 16> random;
  // Up to 256 bytes arrive whole and without interruption (getrandom(2)).
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    std::terminate();
  }
  random[6] = (random[6] & 0x0f) | 0x40;  // version 4
  random[8] = (random[8] & 0x3f) | 0x80;  // variant of RFC 9562

  constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  id.reserve(36);
  for (size_t i = 0; i < random.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += kDigits[random[i] >> 4];
    id += kDigits[random[i] & 15];
  }
  return id;
}

}  // namespace nanogrid
