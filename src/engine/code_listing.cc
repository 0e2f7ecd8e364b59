#include "engine/code_listing.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/errors.h"
#include "engine/code_path.h"

namespace nanogrid {
namespace {

constexpr uint64_t kFreeOfRatio = 10ull << 20;
constexpr int kMaxFollows = 40;              // as the kernel's ELOOP
constexpr size_t kMaxLinkSteps = 1'000'000;  // of all links together
constexpr std::string_view kMagic = "nanogrid-code-1\n";

void PushReversed(std::string_view path, std::vector<std::string_view>& segments) {
  const size_t first = segments.size();
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  std::reverse(segments.begin() + static_cast<ptrdiff_t>(first), segments.end());
}

// Follows `path` through the listing as the kernel would, links included.
Status CheckLeadsInside(const CodeListing& listing, std::string_view path, size_t& steps) {
  const auto refuse = [&](const char* why) {
    return InvalidArgument("code: link {} to {} {}", QuoteName(path),
                           QuoteName(listing.find(path)->second.content), why);
  };
  std::vector<std::string_view> pending;
  PushReversed(path, pending);
  std::string at;
  int follows = 0;
  while (!pending.empty()) {
    if (++steps > kMaxLinkSteps) return refuse("is one link too many: they lead too far");
    const std::string_view segment = pending.back();
    pending.pop_back();
    if (segment.empty() || segment == ".") continue;
    const size_t parent = at.rfind('/');
    if (segment == "..") {
      if (at.empty()) return refuse("leads out of the code");
      at.resize(parent == std::string::npos ? 0 : parent);
      continue;
    }
    const size_t length = at.size();
    if (!at.empty()) at += '/';
    at += segment;
    const auto found = listing.find(at);
    if (found == listing.end() || found->second.kind != CodeEntry::Kind::kLink) continue;
    if (++follows > kMaxFollows) return refuse("is part of a loop of links");
    at.resize(length);
    PushReversed(found->second.content, pending);
  }
  return absl::OkStatus();
}

template <typename Unsigned>
void AppendInteger(std::string& out, Unsigned value) {
  for (size_t i = 0; i < sizeof(value); ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

// Takes from the front of `in`; false if it is too short.
template <typename Unsigned>
bool TakeInteger(std::string_view& in, Unsigned& value) {
  if (in.size() < sizeof(value)) return false;
  value = 0;
  for (size_t i = 0; i < sizeof(value); ++i) {
    value |= static_cast<Unsigned>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  in.remove_prefix(sizeof(value));
  return true;
}

bool TakeBytes(std::string_view& in, uint64_t count, std::string_view& bytes) {
  if (in.size() < count) return false;
  bytes = in.substr(0, count);
  in.remove_prefix(count);
  return true;
}

}  // namespace

CodeCollector::CodeCollector(const CodeLimits& limits, uint64_t packed_bytes)
    : limits_(limits), packed_bytes_(packed_bytes) {}

Status CodeCollector::Count(std::string_view path) {
  if (++files_ <= limits_.max_files) return absl::OkStatus();
  return InvalidArgument("code: entry {} is one too many: the limit is {} files and directories",
                         QuoteName(path), limits_.max_files);
}

Status CodeCollector::AddParents(std::string_view path) {
  for (size_t slash = path.rfind('/'); slash != path.npos; slash = path.rfind('/', slash - 1)) {
    const std::string_view parent = path.substr(0, slash);
    if (directories_.contains(parent)) break;
    if (listing_.contains(parent)) {
      return InvalidArgument("code: entry {} leads through {}, which is no directory",
                             QuoteName(path), QuoteName(parent));
    }
    NANOGRID_RETURN_IF_ERROR(Count(parent));
    directories_.emplace(parent);
  }
  return absl::OkStatus();
}

Status CodeCollector::AddDirectory(std::string_view name) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string path,
                            NormalizeCodePath(name, limits_.max_path_bytes));
  if (path.empty() || IsIgnoredCodePath(path)) return Count(path);
  if (listing_.contains(path)) {
    return InvalidArgument("code: entry {} is there twice", QuoteName(path));
  }
  NANOGRID_RETURN_IF_ERROR(AddParents(path));
  return directories_.insert(path).second ? Count(path) : absl::OkStatus();
}

Status CodeCollector::CheckSize(std::string_view path, uint64_t file_bytes,
                                uint64_t total_bytes) const {
  const auto refuse = [&](const char* what, uint64_t limit) {
    return InvalidArgument("code: entry {} makes {}; the limit is {}", QuoteName(path), what,
                           limit);
  };
  if (file_bytes > limits_.max_file_bytes) {
    return refuse("a file with too many bytes", limits_.max_file_bytes);
  }
  if (total_bytes > limits_.max_bytes) return refuse("too many bytes in all", limits_.max_bytes);
  if (packed_bytes_ > 0 && total_bytes > kFreeOfRatio &&
      total_bytes > packed_bytes_ * limits_.max_ratio) {
    return refuse("the archive unpack to too many times its size", limits_.max_ratio);
  }
  return absl::OkStatus();
}

Result<bool> CodeCollector::Begin(std::string_view name, CodeEntry::Kind kind,
                                  uint64_t declared_bytes) {
  current_ = listing_.end();
  NANOGRID_ASSIGN_OR_RETURN(std::string path, NormalizeCodePath(name, limits_.max_path_bytes));
  if (path.empty() || name.ends_with('/')) {
    return InvalidArgument("code: entry {} is named like a directory, but is none",
                           QuoteName(name));
  }
  NANOGRID_RETURN_IF_ERROR(Count(path));
  if (IsIgnoredCodePath(path)) return false;
  if (directories_.contains(path) || listing_.contains(path)) {
    return InvalidArgument("code: entry {} is there twice", QuoteName(path));
  }
  NANOGRID_RETURN_IF_ERROR(AddParents(path));
  const uint64_t total = declared_bytes > std::numeric_limits<uint64_t>::max() - bytes_
                             ? std::numeric_limits<uint64_t>::max()
                             : bytes_ + declared_bytes;
  NANOGRID_RETURN_IF_ERROR(CheckSize(path, declared_bytes, total));
  current_ = listing_.emplace(std::move(path), CodeEntry{.kind = kind}).first;
  return true;
}

Status CodeCollector::Append(std::string_view bytes) {
  auto& [path, entry] = *current_;
  NANOGRID_RETURN_IF_ERROR(
      CheckSize(path, entry.content.size() + bytes.size(), bytes_ + bytes.size()));
  entry.content += bytes;
  bytes_ += bytes.size();
  return absl::OkStatus();
}

Result<CodeListing> CodeCollector::Finish() {
  if (listing_.empty()) return InvalidArgument("code: there are no files in it");
  size_t steps = 0;
  for (const auto& [path, entry] : listing_) {
    if (entry.kind != CodeEntry::Kind::kLink) continue;
    NANOGRID_RETURN_IF_ERROR(CheckLinkTarget(path, entry.content, limits_.max_path_bytes));
    NANOGRID_RETURN_IF_ERROR(CheckLeadsInside(listing_, path, steps));
  }
  current_ = {};
  return std::move(listing_);
}

// magic, then per entry: kind (1 byte), length of path (4), length of content (8), path, content;
// integers little-endian.
std::string EncodeCode(const CodeListing& listing) {
  size_t size = kMagic.size();
  for (const auto& [path, entry] : listing) size += 13 + path.size() + entry.content.size();
  std::string out;
  out.reserve(size);
  out += kMagic;
  for (const auto& [path, entry] : listing) {
    out += static_cast<char>(entry.kind);
    AppendInteger(out, static_cast<uint32_t>(path.size()));
    AppendInteger(out, static_cast<uint64_t>(entry.content.size()));
    out += path;
    out += entry.content;
  }
  return out;
}

Result<CodeListing> DecodeCode(std::string_view bytes) {
  const auto broken = [](std::string_view what) {
    return MakeError(absl::StatusCode::kDataLoss, "stored code is damaged: {}", what);
  };
  if (!bytes.starts_with(kMagic)) return broken("it does not begin as it should");
  bytes.remove_prefix(kMagic.size());
  // What was accepted once is not measured again: limits may have been lowered since.
  CodeCollector collector({.max_bytes = std::numeric_limits<uint64_t>::max(),
                           .max_file_bytes = std::numeric_limits<uint64_t>::max(),
                           .max_files = std::numeric_limits<uint32_t>::max(),
                           .max_path_bytes = 4096});
  std::string_view previous;
  while (!bytes.empty()) {
    const char kind = bytes.front();
    bytes.remove_prefix(1);
    uint32_t path_length = 0;
    uint64_t content_length = 0;
    std::string_view path;
    std::string_view content;
    if (kind != 'f' && kind != 'x' && kind != 'l') return broken("an entry of unknown kind");
    if (!TakeInteger(bytes, path_length) || !TakeInteger(bytes, content_length) ||
        !TakeBytes(bytes, path_length, path) || !TakeBytes(bytes, content_length, content)) {
      return broken("it ends in the middle of an entry");
    }
    if (path <= previous) return broken("its entries are out of order");
    if (path.starts_with("./")) return broken("a path is not normal");
    previous = path;
    const Result<bool> taken =
        collector.Begin(path, static_cast<CodeEntry::Kind>(kind), content_length);
    if (!taken.ok()) return broken(std::string(taken.status().message()));
    if (!*taken) return broken("an entry that is never stored");
    if (Status status = collector.Append(content); !status.ok()) {
      return broken(std::string(status.message()));
    }
  }
  Result<CodeListing> listing = collector.Finish();
  if (!listing.ok()) return broken(std::string(listing.status().message()));
  return listing;
}

}  // namespace nanogrid
