#include "gcp/crc32c.h"

#include <bit>
#include <cstring>

namespace nanogrid::gcp {
namespace {

constexpr size_t kLanes = 8;
using Tables = std::array<std::array<uint32_t, 256>, kLanes>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
    tables[0][byte] = crc;
  }
  for (size_t lane = 1; lane < kLanes; ++lane) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t crc = tables[lane - 1][byte];
      tables[lane][byte] = (crc >> 8) ^ tables[0][crc & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();
static_assert(std::endian::native == std::endian::little, "eight bytes at a time, lowest first");

std::string Encode(std::string_view bytes, const char* alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  return text;
}

}  // namespace

void Crc32c::Update(std::string_view bytes) {
  uint32_t crc = state_;
  while (bytes.size() >= kLanes) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    word ^= crc;
    crc = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      crc ^= kTables[kLanes - 1 - lane][word >> (8 * lane) & 0xFF];
    }
    bytes.remove_prefix(kLanes);
  }
  for (const char c : bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  state_ = crc;
}

std::string Crc32c::Text() const {
  const uint32_t crc = value();
  const char bytes[] = {static_cast<char>(crc >> 24), static_cast<char>(crc >> 16),
                        static_cast<char>(crc >> 8), static_cast<char>(crc)};
  return Base64({bytes, sizeof bytes});
}

std::string Base64(std::string_view bytes) {
  std::string text =
      Encode(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string Base64Url(std::string_view bytes) {
  return Encode(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

}  // namespace nanogrid::gcp
