#include "mirror/courier.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"

namespace nanogrid::mirror {
namespace {

constexpr int kFollowAttempts = 8;

Status CompareCopy(const Context& context, ObjectStore& store, std::string_view key,
                   const std::string& sha256) {
  HashSink copy;
  NANOGRID_RETURN_IF_ERROR(store.Read(context, key, copy));
  if (copy.TakeSha256() == sha256) return absl::OkStatus();
  return Unavailable("the copy of '{}' is not what was written", key);
}

}  // namespace

Status CopyObject(const Context& context, ObjectStore& from, ObjectStore& to, const Outbox& outbox,
                  std::string_view key, bool verify, const WriteOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto content, outbox.NewContent());
  NANOGRID_RETURN_IF_ERROR(from.Read(context, key, *content));
  FileSource source(content->fd());
  NANOGRID_RETURN_IF_ERROR(to.Write(context, key, source, options).status());
  return verify ? CompareCopy(context, to, key, content->TakeSha256()) : absl::OkStatus();
}

Courier::Courier(ObjectStore& primary, ObjectStore& second, Outbox& outbox, bool verify,
                 uint32_t threads)
    : primary_(primary), second_(second), outbox_(outbox), verify_(verify) {
  for (uint32_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

Courier::~Courier() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::string Courier::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void Courier::Work(const std::stop_token& stop) {
  const Context context = Context::WithStop(stop);
  while (const std::optional<Entry> entry = outbox_.Take(stop)) {
    const Status status = Deliver(context, *entry);
    if (!status.ok() && !stop.stop_requested()) {
      ++counts_.failed;
      const std::lock_guard lock(mutex_);
      last_error_ = status.ToString();
    }
    outbox_.Return(*entry, status.ok());
  }
}

Status Courier::Deliver(const Context& context, const Entry& entry) {
  if (entry.primary != Primary::kUpToDate) {
    Status told = TellPrimary(context, entry);
    if (!told.ok()) {
      if (!context.stop.stop_requested()) TellSecondEarly(context, entry);
      return told;
    }
    NANOGRID_RETURN_IF_ERROR(outbox_.PrimaryDone(entry));
    const std::lock_guard lock(mutex_);
    told_early_.erase(entry.key);
  }
  return Follow(context, entry);
}

Status Courier::TellPrimary(const Context& context, const Entry& entry) {
  const Result<ObjectInfo> there = primary_.Stat(context, entry.key);
  if (!there.ok() && !absl::IsNotFound(there.status())) return there.status();
  bool if_absent = entry.if_absent;
  if (there.ok() && (if_absent || there->modified > entry.accepted)) {
    HashSink content;
    NANOGRID_RETURN_IF_ERROR(primary_.Read(context, entry.key, content));
    const std::string hash = content.TakeSha256();
    if (hash == entry.sha256) return absl::OkStatus();
    if (std::find(entry.earlier.begin(), entry.earlier.end(), hash) == entry.earlier.end()) {
      ++counts_.conflicts;
      return absl::OkStatus();
    }
    if_absent = false;  // what is there is what this replaced in the outbox
  }
  if (entry.primary == Primary::kRemove) {
    return there.ok() ? primary_.Remove(context, entry.key) : absl::OkStatus();
  }
  Status written = WriteToPrimary(context, entry, if_absent);
  if (!absl::IsAlreadyExists(written)) return written;
  ++counts_.conflicts;
  return absl::OkStatus();
}

Status Courier::WriteToPrimary(const Context& context, const Entry& entry, bool if_absent) {
  NANOGRID_ASSIGN_OR_RETURN(const UniqueFd content, outbox_.OpenContent(entry));
  FileSource source(content.get());
  NANOGRID_RETURN_IF_ERROR(
      primary_.Write(context, entry.key, source, {.if_absent = if_absent}).status());
  return verify_ ? CompareCopy(context, primary_, entry.key, entry.sha256) : absl::OkStatus();
}

void Courier::TellSecondEarly(const Context& context, const Entry& entry) {
  {
    const std::lock_guard lock(mutex_);
    const auto told = told_early_.find(entry.key);
    if (told != told_early_.end() && told->second == entry.number) return;
  }
  if (entry.primary == Primary::kRemove) {
    if (!second_.Remove(context, entry.key).ok()) return;
  } else {
    const Result<UniqueFd> content = outbox_.OpenContent(entry);
    if (!content.ok()) return;
    FileSource source(content->get());
    const Status written =
        second_.Write(context, entry.key, source, {.if_absent = entry.if_absent}).status();
    if (!written.ok() && !absl::IsAlreadyExists(written)) return;
  }
  const std::lock_guard lock(mutex_);
  told_early_[entry.key] = entry.number;
}

// Makes the second store what the primary is.
Status Courier::Follow(const Context& context, const Entry& entry) {
  const std::string& key = entry.key;
  bool remove = entry.remove;
  for (int attempt = 0; attempt < kFollowAttempts; ++attempt) {
    // Whoever changed the key through this mirror has it delivered again. What somebody else
    // removed, nobody here would hear of.
    if (attempt > 0 && remove == entry.remove && outbox_.ChangedSinceTaken(key)) {
      return absl::OkStatus();
    }
    const Result<ObjectInfo> before = primary_.Stat(context, key);
    if (absl::IsNotFound(before.status())) {
      if (!remove) return absl::OkStatus();
      NANOGRID_RETURN_IF_ERROR(second_.Remove(context, key));
      // Unless somebody has written it again meanwhile, whose copy came before the removal.
      Status after = primary_.Stat(context, key).status();
      if (after.ok()) continue;
      if (!absl::IsNotFound(after)) return after;
      ++counts_.removed;
      return absl::OkStatus();
    }
    NANOGRID_RETURN_IF_ERROR(before.status());
    const Status copied = CopyObject(context, primary_, second_, outbox_, key, verify_);
    if (absl::IsNotFound(copied) || absl::IsAborted(copied)) continue;  // changed meanwhile
    NANOGRID_RETURN_IF_ERROR(copied);
    const Result<ObjectInfo> after = primary_.Stat(context, key);
    if (after.ok() && after->etag == before->etag) {
      ++counts_.copied;
      return absl::OkStatus();
    }
    // It was replaced or removed by somebody whose copy may have come before ours.
    if (!after.ok() && !absl::IsNotFound(after.status())) return after.status();
    remove |= !after.ok();
  }
  return Unavailable("'{}' changes all the time", key);
}

}  // namespace nanogrid::mirror
