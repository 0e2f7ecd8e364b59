#include "api/pack_code.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <memory>

#include "core/errors.h"
#include "engine/code_load.h"

namespace nanogrid {
namespace {

la_ssize_t AppendTo(archive*, void* text, const void* bytes, size_t size) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

bool Add(archive* zip, const std::string& path, const CodeEntry& code) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
  archive_entry_set_pathname_utf8(entry.get(), path.c_str());
  const bool link = code.kind == CodeEntry::Kind::kLink;
  archive_entry_set_filetype(entry.get(), link ? AE_IFLNK : AE_IFREG);
  archive_entry_set_perm(entry.get(), code.kind == CodeEntry::Kind::kProgram ? 0755 : 0644);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(link ? 0 : code.content.size()));
  if (link) archive_entry_set_symlink_utf8(entry.get(), code.content.c_str());
  if (archive_write_header(zip, entry.get()) != ARCHIVE_OK) return false;
  if (link) return true;
  return archive_write_data(zip, code.content.data(), code.content.size()) ==
         static_cast<la_ssize_t>(code.content.size());
}

}  // namespace

Result<std::string> PackCode(const Code& code, const CodeLimits& limits) {
  NANOGRID_ASSIGN_OR_RETURN(const CodeListing listing, LoadCode(code, limits));
  std::string bytes;
  const std::unique_ptr<archive, decltype(&archive_write_free)> zip(archive_write_new(),
                                                                    archive_write_free);
  archive_write_set_format_zip(zip.get());
  archive_write_add_filter_none(zip.get());
  archive_write_set_bytes_per_block(zip.get(), 0);
  bool packed = archive_write_open(zip.get(), &bytes, nullptr, AppendTo, nullptr) == ARCHIVE_OK;
  for (const auto& [path, entry] : listing) packed = packed && Add(zip.get(), path, entry);
  packed = packed && archive_write_close(zip.get()) == ARCHIVE_OK;
  if (!packed) {
    const char* const why = archive_error_string(zip.get());
    return Internal("the code cannot be packed: {}", why != nullptr ? why : "unknown");
  }
  return bytes;
}

}  // namespace nanogrid
