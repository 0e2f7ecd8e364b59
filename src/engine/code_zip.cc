#include "engine/code_zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <memory>
#include <string>

#include "core/errors.h"
#include "engine/code_path.h"

namespace nanogrid {
namespace {

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

// libarchive turns names into the thread's character set; only this one loses nothing.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) previous_ = uselocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    uselocale(previous_);
    freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t previous_{};
};

std::string Why(archive* reader) {
  const char* why = archive_error_string(reader);
  return why == nullptr ? "unknown error" : why;
}

Status ReadContent(archive* reader, std::string_view name, CodeCollector& collector) {
  char buffer[16 << 10];
  for (;;) {
    const la_ssize_t count = archive_read_data(reader, buffer, sizeof(buffer));
    if (count == 0) return absl::OkStatus();
    if (count < 0) {
      return InvalidArgument("code: entry {} of the zip archive cannot be read: {}",
                             QuoteName(name), Why(reader));
    }
    NANOGRID_RETURN_IF_ERROR(collector.Append({buffer, static_cast<size_t>(count)}));
  }
}

Status ReadEntry(archive* reader, archive_entry* entry, CodeCollector& collector) {
  const char* raw_name = archive_entry_pathname(entry);
  if (raw_name == nullptr) return InvalidArgument("code: an entry of the zip archive has no name");
  const std::string name = raw_name;
  if (archive_entry_is_encrypted(entry) != 0) {
    return InvalidArgument("code: entry {} is encrypted", QuoteName(name));
  }
  if (archive_entry_hardlink(entry) != nullptr) {
    return InvalidArgument("code: entry {} is a hard link", QuoteName(name));
  }
  const uint64_t declared =
      archive_entry_size_is_set(entry)
          ? static_cast<uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0))
          : 0;
  switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
      return collector.AddDirectory(name);
    case AE_IFREG: {
      const bool program = (archive_entry_perm(entry) & 0100) != 0;
      NANOGRID_ASSIGN_OR_RETURN(
          const bool taken,
          collector.Begin(name, program ? CodeEntry::Kind::kProgram : CodeEntry::Kind::kFile,
                          declared));
      return taken ? ReadContent(reader, name, collector) : absl::OkStatus();
    }
    case AE_IFLNK: {
      const char* target = archive_entry_symlink(entry);
      NANOGRID_ASSIGN_OR_RETURN(const bool taken, collector.Begin(name, CodeEntry::Kind::kLink, 0));
      return taken ? collector.Append(target == nullptr ? "" : target) : absl::OkStatus();
    }
    default:
      return InvalidArgument("code: entry {} is neither a file, a directory nor a link",
                             QuoteName(name));
  }
}

}  // namespace

Result<CodeListing> ReadZip(std::string_view bytes, const CodeLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    return InvalidArgument("code: the zip archive has {} bytes, the limit is {}", bytes.size(),
                           limits.max_bytes);
  }
  const Utf8Locale locale;
  const Reader reader(archive_read_new());
  // By the central directory, as every unpacker does; a streaming reader could be shown other
  // names.
  if (reader == nullptr || archive_read_support_format_zip_seekable(reader.get()) != ARCHIVE_OK) {
    return Internal("cannot make a zip reader: {}", reader ? Why(reader.get()) : "out of memory");
  }
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return InvalidArgument("code: not a zip archive: {}", Why(reader.get()));
  }
  CodeCollector collector(limits, bytes.size());
  for (;;) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) return collector.Finish();
    if (code != ARCHIVE_OK) {
      return InvalidArgument("code: the zip archive is broken: {}", Why(reader.get()));
    }
    NANOGRID_RETURN_IF_ERROR(ReadEntry(reader.get(), entry, collector));
  }
}

}  // namespace nanogrid
