#include "engine/zip_builder.h"

#include <archive.h>
#include <archive_entry.h>

#include <stdexcept>

namespace nanogrid {
namespace {

uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

void Put16(std::string& out, uint32_t value) {
  out += static_cast<char>(value & 0xFF);
  out += static_cast<char>(value >> 8 & 0xFF);
}
void Put32(std::string& out, uint32_t value) {
  Put16(out, value & 0xFFFF);
  Put16(out, value >> 16);
}

// The part that local and central headers share.
void PutCommon(std::string& out, const ZipEntry& entry) {
  const auto size = static_cast<uint32_t>(entry.content.size());
  Put16(out, 20);  // version needed
  Put16(out, entry.flags);
  Put16(out, 0);           // stored
  Put32(out, 0x00210000);  // time and date
  Put32(out, Crc32(entry.content));
  Put32(out, size);
  Put32(out, entry.declared_size.value_or(size));
  Put16(out, static_cast<uint32_t>(entry.name.size()));
  Put16(out, 0);  // extra
}

}  // namespace

std::string MakeZip(const std::vector<ZipEntry>& entries) {
  std::string out;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const auto offset = static_cast<uint32_t>(out.size());
    out += "PK\x03\x04";
    PutCommon(out, entry);
    out += entry.name;
    out += entry.content;

    directory += "PK\x01\x02";
    Put16(directory, 3 << 8 | 20);  // made by: Unix
    PutCommon(directory, entry);
    Put16(directory, 0);  // comment
    Put16(directory, 0);  // disk
    Put16(directory, 0);  // internal attributes
    Put32(directory, entry.mode << 16);
    Put32(directory, offset);
    directory += entry.name;
  }
  const auto offset = static_cast<uint32_t>(out.size());
  out += directory;
  out += "PK\x05\x06";
  Put32(out, 0);  // disks
  Put16(out, static_cast<uint32_t>(entries.size()));
  Put16(out, static_cast<uint32_t>(entries.size()));
  Put32(out, static_cast<uint32_t>(directory.size()));
  Put32(out, offset);
  Put16(out, 0);  // comment
  return out;
}

std::string MakeDeflatedZip(const std::vector<std::pair<std::string, std::string>>& files,
                            bool zip64) {
  size_t room = 1 << 20;
  for (const auto& [name, content] : files) room += 2 * name.size() + content.size() + 512;
  std::string out(room, '\0');
  size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  if (zip64) archive_write_set_options(writer, "zip:zip64");
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, content] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    if (archive_write_header(writer, entry) != ARCHIVE_OK ||
        archive_write_data(writer, content.data(), content.size()) < 0) {
      throw std::runtime_error(archive_error_string(writer));
    }
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

}  // namespace nanogrid
