// An object's content in a file, on its way between stores.
#pragma once

#include <memory>
#include <string>

#include "core/file_tree.h"
#include "core/sha256.h"
#include "nanogrid/storage.h"

namespace nanogrid::mirror {

// Takes an object, remembers its hash, and gives it again. Gone with its owner unless it is
// published.
class ContentFile final : public Sink {
 public:
  static Result<std::unique_ptr<ContentFile>> Create(int directory);

  Status Write(std::string_view bytes) override;
  uint64_t size() const { return size_; }
  // Once.
  std::string TakeSha256() { return hash_.Finish(); }
  int fd() const { return file_.fd(); }
  // Durable, under this name in `directory`.
  Status Publish(int directory, const std::string& name);

 private:
  explicit ContentFile(int directory) : file_(directory) {}
  TemporaryFile file_;
  Sha256 hash_{};
  uint64_t size_ = 0;
};

// A file's content, from its beginning. The descriptor stays the owner's.
class FileSource final : public Source {
 public:
  explicit FileSource(int fd) : fd_(fd) {}
  Result<size_t> Read(std::span<char> buffer) override;

 private:
  const int fd_;
  uint64_t offset_ = 0;
};

// Gives what another source gives, and writes it to a file on the way.
class TeeSource final : public Source {
 public:
  TeeSource(Source& source, ContentFile& file) : source_(source), file_(file) {}
  Result<size_t> Read(std::span<char> buffer) override;
  // The rest of the source, into the file.
  Status Drain(const Context& context);
  // What the source or the file said, if it was an error.
  const Status& status() const { return outcome_; }

 private:
  Source& source_;
  ContentFile& file_;
  Status outcome_{};
  bool ended_ = false;
};

// Counts and hashes what it is given.
class HashSink final : public Sink {
 public:
  Status Write(std::string_view bytes) override {
    hash_.Update(bytes);
    size_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t size() const { return size_; }
  std::string TakeSha256() { return hash_.Finish(); }

 private:
  Sha256 hash_{};
  uint64_t size_ = 0;
};

}  // namespace nanogrid::mirror
