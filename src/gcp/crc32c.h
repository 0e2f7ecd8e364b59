// CRC-32C (Castagnoli), by which Google Cloud Storage knows that bytes arrived as they were sent.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nanogrid::gcp {

// Incremental.
class Crc32c {
 public:
  void Update(std::string_view bytes);
  uint32_t value() const { return ~state_; }
  // Big-endian bytes in base64, as the API has it.
  std::string Text() const;

 private:
  uint32_t state_ = 0xFFFFFFFF;
};

// Standard alphabet, with padding.
std::string Base64(std::string_view bytes);
// RFC 4648's alphabet for URLs, without padding.
std::string Base64Url(std::string_view bytes);

}  // namespace nanogrid::gcp
