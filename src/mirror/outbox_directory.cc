#include "mirror/outbox_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "core/errors.h"

namespace nanogrid::mirror {
namespace {

constexpr size_t kMaxEntry = 64 << 10;
constexpr std::string_view kEntryEnd = ".entry";
constexpr std::string_view kContentEnd = ".content";

std::string NameOf(uint64_t number, std::string_view end) {
  return std::to_string(number) + std::string(end);
}

Result<std::vector<std::string>> ListNames(int root) {
  UniqueFd listed = OpenBeneath(root, ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(listed ? fdopendir(listed.get()) : nullptr,
                                                      [](DIR* dir) { return closedir(dir); });
  if (!directory) return ErrnoError(errno, "outbox: list");
  (void)listed.Release();  // closedir closes it
  std::vector<std::string> names;
  while (const dirent* const entry = readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

Result<Entry> ReadEntry(int root, const std::string& name) {
  const UniqueFd file = OpenBeneath(root, name, O_RDONLY);
  if (!file) return ErrnoError(errno, "outbox: open '" + name + "'");
  std::string text(kMaxEntry, '\0');
  FileSource source(file.get());
  NANOGRID_ASSIGN_OR_RETURN(const size_t size, source.Read({text.data(), text.size()}));
  Result<Entry> entry = ParseEntry(std::string_view(text).substr(0, size));
  if (entry.ok() && name == NameOf(entry->number, kEntryEnd)) return entry;
  return MakeError(absl::StatusCode::kDataLoss, "outbox: '{}' is not as it was written", name);
}

}  // namespace

Result<std::unique_ptr<OutboxDirectory>> OutboxDirectory::Open(const std::string& path) {
  if (path.empty()) return InvalidArgument("outbox: a directory is missing");
  NANOGRID_ASSIGN_OR_RETURN(UniqueFd root, MakeRootDirectory(path, true));
  if (::flock(root.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoError(errno, "outbox '" + path + "': lock");
    return MakeError(absl::StatusCode::kAlreadyExists,
                     "outbox '{}': another process has it; each needs its own", path);
  }
  NANOGRID_ASSIGN_OR_RETURN(UniqueFd temporary, OpenTemporaryDirectory(root.get()));
  return std::unique_ptr<OutboxDirectory>(
      new OutboxDirectory(path, std::move(root), std::move(temporary)));
}

Result<std::vector<Entry>> OutboxDirectory::Load() {
  NANOGRID_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(root_.get()));
  std::map<std::string, Entry> newest;
  for (const std::string& name : names) {
    if (!name.ends_with(kEntryEnd)) continue;
    Result<Entry> entry = ReadEntry(root_.get(), name);
    if (!entry.ok()) {
      return Status(entry.status().code(),
                    fmt::format("outbox '{}': {}; look at the file, then take it out", path_,
                                std::string(entry.status().message())));
    }
    Entry& kept = newest[entry->key];
    if (kept.number < entry->number) std::swap(kept, *entry);
    if (entry->number != 0) Erase(*entry);
  }
  std::set<std::string> wanted;
  std::vector<Entry> entries;
  for (auto& [key, entry] : newest) {
    if (entry.primary == Primary::kWrite) wanted.insert(NameOf(entry.number, kContentEnd));
    entries.push_back(std::move(entry));
  }
  for (const std::string& name : names) {
    if (name.ends_with(kContentEnd) && !wanted.contains(name)) {
      ::unlinkat(root_.get(), name.c_str(), 0);
    }
  }
  return entries;
}

Result<std::unique_ptr<ContentFile>> OutboxDirectory::NewContent() const {
  return ContentFile::Create(temporary_.get());
}

Status OutboxDirectory::Put(const Entry& entry, ContentFile* content) {
  if (content != nullptr) {
    NANOGRID_RETURN_IF_ERROR(content->Publish(root_.get(), NameOf(entry.number, kContentEnd)));
  }
  NANOGRID_ASSIGN_OR_RETURN(const auto file, ContentFile::Create(temporary_.get()));
  NANOGRID_RETURN_IF_ERROR(file->Write(EntryJson(entry)));
  NANOGRID_RETURN_IF_ERROR(file->Publish(root_.get(), NameOf(entry.number, kEntryEnd)));
  return Sync();
}

void OutboxDirectory::Erase(const Entry& entry) {
  // The entry first: a content without one is nothing.
  ::unlinkat(root_.get(), NameOf(entry.number, kEntryEnd).c_str(), 0);
  if (entry.primary == Primary::kWrite) {
    ::unlinkat(root_.get(), NameOf(entry.number, kContentEnd).c_str(), 0);
  }
}

Result<UniqueFd> OutboxDirectory::OpenContent(const Entry& entry) const {
  UniqueFd file = OpenBeneath(root_.get(), NameOf(entry.number, kContentEnd), O_RDONLY);
  if (!file) return ErrnoError(errno, fmt::format("outbox: content of '{}'", entry.key));
  return file;
}

Status OutboxDirectory::Sync() const {
  return ::fsync(root_.get()) == 0 ? absl::OkStatus()
                                   : ErrnoError(errno, "outbox '" + path_ + "': fsync");
}

}  // namespace nanogrid::mirror
