// A function's code, normalised: the same files give the same listing, digest and stored object,
// whether they came as a directory or as an archive.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "nanogrid/engine.h"

namespace nanogrid {

struct CodeEntry {
  enum class Kind : char { kFile = 'f', kProgram = 'x', kLink = 'l' };

  Kind kind = Kind::kFile;  // kProgram: a file with the executable bit
  std::string content{};    // of a link: its target

  bool operator==(const CodeEntry&) const = default;
};

// By path in byte order. Made by a CodeCollector, so every path is relative and safe, none leads
// through a file or link, and no link leads out. Directories are what the paths imply: empty ones
// are not kept.
using CodeListing = std::map<std::string, CodeEntry, std::less<>>;

// Takes entries one by one and refuses, by name, the first that is unsafe or exceeds a limit.
class CodeCollector {
 public:
  // `packed_bytes`: size of the archive the entries come from; 0: no archive, no bound on the
  // ratio.
  explicit CodeCollector(const CodeLimits& limits, uint64_t packed_bytes = 0);

  // A directory of its own; it counts as a file, and nothing more.
  Status AddDirectory(std::string_view name);

  // Begins a file or link; Append adds to it. `declared_bytes` is checked before anything is read.
  // Answers false if the entry is one to ignore: append nothing then.
  Result<bool> Begin(std::string_view name, CodeEntry::Kind kind, uint64_t declared_bytes);
  Status Append(std::string_view bytes);

  // The listing, once. InvalidArgument if a link leads out, or nothing was added.
  Result<CodeListing> Finish();

 private:
  Status Count(std::string_view path);
  Status AddParents(std::string_view path);
  Status CheckSize(std::string_view path, uint64_t file_bytes, uint64_t total_bytes) const;

  const CodeLimits limits_;
  const uint64_t packed_bytes_;
  uint64_t bytes_ = 0;
  uint64_t files_ = 0;
  CodeListing listing_;
  CodeListing::iterator current_ = listing_.end();
  std::set<std::string, std::less<>> directories_;
};

// The canonical form, which is what is stored. Its SHA-256 is the code's digest.
std::string EncodeCode(const CodeListing& listing);
// DataLoss unless `bytes` are an EncodeCode of a safe listing.
Result<CodeListing> DecodeCode(std::string_view bytes);

}  // namespace nanogrid
