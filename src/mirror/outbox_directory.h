// The outbox on disk: an entry and perhaps a content per file, each durable when Put returns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "mirror/content_file.h"
#include "mirror/entry.h"

namespace nanogrid::mirror {

// Thread-safe: it is only directory operations.
class OutboxDirectory {
 public:
  // AlreadyExists: another process has it.
  static Result<std::unique_ptr<OutboxDirectory>> Open(const std::string& path);

  // The newest of each key; removes what was replaced or not finished.
  Result<std::vector<Entry>> Load();
  Result<std::unique_ptr<ContentFile>> NewContent() const;
  // `content` is kWrite's.
  Status Put(const Entry& entry, ContentFile* content);
  void Erase(const Entry& entry);
  Result<UniqueFd> OpenContent(const Entry& entry) const;

 private:
  OutboxDirectory(std::string path, UniqueFd root, UniqueFd temporary)
      : path_(std::move(path)), root_(std::move(root)), temporary_(std::move(temporary)) {}
  Status Sync() const;

  const std::string path_;
  const UniqueFd root_;  // locked
  const UniqueFd temporary_;
};

}  // namespace nanogrid::mirror
