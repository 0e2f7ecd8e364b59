#include <algorithm>
#include <atomic>
#include <utility>

#include "core/errors.h"
#include "core/names.h"
#include "mirror/courier.h"
#include "mirror/outbox.h"
#include "mirror/verify.h"
#include "nanogrid/adapters/mirror.h"

namespace nanogrid {
namespace mirror {
namespace {

TimePoint Now() { return std::chrono::steady_clock::now(); }

// Knows whether anything was passed on.
class CountingSink final : public Sink {
 public:
  explicit CountingSink(Sink& sink) : sink_(sink) {}
  Status Write(std::string_view bytes) override {
    begun_ = true;
    return sink_.Write(bytes);
  }
  bool begun() const { return begun_; }

 private:
  Sink& sink_;
  bool begun_ = false;
};

ObjectInfo InfoOf(const Entry& entry) {
  return {.key = entry.key,
          .size = entry.size,
          .etag = "outbox-" + std::to_string(entry.number) + "-" + entry.sha256,
          .modified = entry.accepted};
}

Status NotThere(std::string_view key) { return NotFound("object '{}' is removed", key); }
Status AlreadyThere(std::string_view key) {
  return MakeError(absl::StatusCode::kAlreadyExists, "object '{}' exists already", key);
}

class Store final : public MirroredStore {
 public:
  Store(std::unique_ptr<ObjectStore> primary, std::unique_ptr<ObjectStore> second,
        std::unique_ptr<Outbox> outbox, const MirrorOptions& options)
      : options_(options),
        primary_(std::move(primary)),
        second_(std::move(second)),
        outbox_(std::move(outbox)),
        courier_(*primary_, *second_, *outbox_, options.verify_copies, options.copies_at_once) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    std::optional<Entry> entry = outbox_->Find(key);
    while (entry && entry->primary == Primary::kWrite) {
      const Result<UniqueFd> content = outbox_->OpenContent(*entry);
      if (content.ok()) return ReadContent(context, content->get(), sink);
      // It has been replaced meanwhile, or has got to the primary.
      const uint64_t number = entry->number;
      entry = outbox_->Find(key);
      if (entry && entry->number == number) return content.status();
    }
    if (entry && entry->primary == Primary::kRemove) return NotThere(key);
    CountingSink counting(sink);
    const auto read = [&](ObjectStore& store) { return store.Read(context, key, counting); };
    if (entry && entry->remove) return AskPrimary(read);  // the second store has not heard of it
    return FromEither(context, read, true, [&] { return counting.begun(); });
  }

  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    const std::optional<Entry> entry = outbox_->Find(key);
    if (entry && entry->primary == Primary::kRemove) return NotThere(key);
    if (entry && entry->primary == Primary::kWrite) return InfoOf(*entry);
    ObjectInfo info;
    const auto stat = [&](ObjectStore& store) -> Status {
      Result<ObjectInfo> found = store.Stat(context, key);
      if (!found.ok()) return found.status();
      info = *std::move(found);
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(entry && entry->remove
                                 ? AskPrimary(stat)
                                 : FromEither(context, stat, true, [] { return false; }));
    return info;
  }

  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto content, outbox_->NewContent());
    TeeSource tee(source, *content);
    if (options_.accept_when_primary_down && PrimaryIsAway()) {
      return AcceptWrite(context, key, tee, *content, options);
    }
    const bool marked = IsMirrored(key);
    if (marked) {
      NANOGRID_ASSIGN_OR_RETURN(const bool begun, outbox_->Begin(key, false));
      if (!begun) return AcceptWrite(context, key, tee, *content, options);
    } else if (const auto entry = outbox_->Find(key);
               entry && entry->primary != Primary::kUpToDate) {
      return AcceptWrite(context, key, tee, *content, options);
    }
    const TimePoint began = Now();
    Result<ObjectInfo> written = primary_->Write(context, key, tee, options);
    Note(written.status(), began);
    if (absl::IsUnavailable(written.status()) && tee.status().ok() &&
        options_.accept_when_primary_down) {
      written = AcceptWrite(context, key, tee, *content, options);
    }
    if (marked) outbox_->End(key, !written.ok() && NothingHappened(written.status()));
    return written;
  }

  Status Remove(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    if (options_.accept_when_primary_down && PrimaryIsAway()) return AcceptRemove(key);
    NANOGRID_ASSIGN_OR_RETURN(const bool begun, outbox_->Begin(key, true));
    if (!begun) return AcceptRemove(key);
    const TimePoint began = Now();
    Status removed = primary_->Remove(context, key);
    Note(removed, began);
    if (absl::IsUnavailable(removed) && options_.accept_when_primary_down) {
      removed = AcceptRemove(key);
    }
    outbox_->End(key, !removed.ok() && NothingHappened(removed));
    return removed;
  }

  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    std::string from(cursor);
    while (true) {
      NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(from, prefix));
      ObjectPage page;
      const auto list = [&](ObjectStore& store) -> Status {
        Result<ObjectPage> listed = store.List(context, prefix, from, limit);
        if (!listed.ok()) return listed.status();
        page = *std::move(listed);
        return absl::OkStatus();
      };
      NANOGRID_RETURN_IF_ERROR(FromEither(context, list, false, [] { return false; }));
      const std::string next = page.cursor;
      Overlay(prefix, after, limit, page);
      if (!page.objects.empty() || page.cursor.empty()) return page;
      from = next;
    }
  }

  Status Archive(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    NANOGRID_ASSIGN_OR_RETURN(const bool begun, outbox_->Begin(key, false));
    if (begun) outbox_->End(key, false);
    return absl::OkStatus();
  }

  Status Flush(const Context& context) override { return outbox_->WaitUntilEmpty(context); }

  Result<MirrorReport> Verify(const Context& context, std::string_view prefix,
                              bool repair) override {
    return VerifyStores(context, *primary_, *second_, *outbox_,
                        {.prefix = std::string(prefix),
                         .repair = repair,
                         .mirrored = [this](std::string_view key) { return IsMirrored(key); }});
  }

  MirrorStats stats() const override {
    const Outbox::Size size = outbox_->size();
    const Courier::Counts& counts = courier_.counts();
    return {.pending = size.keys,
            .pending_bytes = size.bytes,
            .copied = counts.copied,
            .removed = counts.removed,
            .failed_attempts = counts.failed,
            .conflicts = counts.conflicts,
            .fallback_reads = fallback_reads_,
            .last_error = courier_.last_error()};
  }

 private:
  bool IsMirrored(std::string_view key) const {
    return std::any_of(options_.prefixes.begin(), options_.prefixes.end(),
                       [&](const std::string& prefix) { return key.starts_with(prefix); });
  }

  bool PrimaryIsAway() const { return Now().time_since_epoch().count() < away_until_; }
  // Remembers for a while that the primary cannot be reached, so that not everybody waits for it.
  void Note(const Status& status, TimePoint began) {
    const TimePoint now = Now();
    const bool hangs = absl::IsDeadlineExceeded(status) && now - began > options_.primary_pause;
    if (absl::IsUnavailable(status) || hangs) {
      away_until_ = (now + options_.primary_pause).time_since_epoch().count();
    } else {
      away_until_ = 0;
    }
  }

  // Whether a failed change has left the primary as it was.
  static bool NothingHappened(const Status& status) {
    return !absl::IsUnavailable(status) && !absl::IsCancelled(status) &&
           !absl::IsDeadlineExceeded(status) && !absl::IsInternal(status);
  }

  // Asks the primary, and the second store where that helps. `missing_too`: also where the primary
  // has nothing. `begun`: too late to ask somebody else.
  template <typename Call, typename Begun>
  Status FromEither(const Context& context, Call call, bool missing_too, Begun begun) {
    const bool away = PrimaryIsAway();
    Status first = Unavailable("the primary store is away");
    if (!away) {
      first = AskPrimary(call);
      const bool missing = absl::IsNotFound(first) && missing_too;
      if ((!absl::IsUnavailable(first) && !missing) || begun()) return first;
      NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    }
    Status second = call(*second_);
    if (second.ok() || begun()) {
      if (second.ok()) ++fallback_reads_;
      return second;
    }
    if (absl::IsCancelled(second) || absl::IsDeadlineExceeded(second)) return second;
    // What the second store lacks, the primary may have.
    return away ? AskPrimary(call) : first;
  }

  template <typename Call>
  Status AskPrimary(Call call) {
    const TimePoint began = Now();
    Status status = call(*primary_);
    Note(status, began);
    return status;
  }

  static Status ReadContent(const Context& context, int fd, Sink& sink) {
    FileSource source(fd);
    std::vector<char> buffer(256 << 10);
    while (true) {
      NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
      NANOGRID_ASSIGN_OR_RETURN(const size_t size, source.Read(buffer));
      if (size == 0) return absl::OkStatus();
      NANOGRID_RETURN_IF_ERROR(sink.Write({buffer.data(), size}));
    }
  }

  Result<ObjectInfo> AcceptWrite(const Context& context, std::string_view key, TeeSource& tee,
                                 ContentFile& content, const WriteOptions& options) {
    NANOGRID_RETURN_IF_ERROR(tee.Drain(context));
    // One at a time: of two, one finds the other.
    const std::lock_guard lock(accept_mutex_);
    if (options.if_absent) NANOGRID_RETURN_IF_ERROR(CheckAbsent(context, key));
    NANOGRID_ASSIGN_OR_RETURN(const Entry entry,
                              outbox_->Accept({.key = std::string(key),
                                               .primary = Primary::kWrite,
                                               .if_absent = options.if_absent,
                                               .accepted = options_.clock->WallNow(),
                                               .size = content.size(),
                                               .sha256 = content.TakeSha256()},
                                              &content));
    return InfoOf(entry);
  }

  Status CheckAbsent(const Context& context, std::string_view key) {
    if (const auto entry = outbox_->Find(key); entry && entry->primary != Primary::kUpToDate) {
      return entry->primary == Primary::kWrite ? AlreadyThere(key) : absl::OkStatus();
    }
    const Status there = second_->Stat(context, key).status();
    if (there.ok()) return AlreadyThere(key);
    return absl::IsNotFound(there) ? absl::OkStatus() : there;
  }

  Status AcceptRemove(std::string_view key) {
    const std::lock_guard lock(accept_mutex_);
    return outbox_
        ->Accept({.key = std::string(key),
                  .primary = Primary::kRemove,
                  .remove = true,
                  .accepted = options_.clock->WallNow()},
                 nullptr)
        .status();
  }

  // What the primary has not heard of yet: into the page, or out of it.
  void Overlay(std::string_view prefix, const std::optional<std::string>& after, size_t limit,
               ObjectPage& page) const {
    const std::string last = page.cursor.empty() ? "" : page.objects.back().key;
    std::map<std::string, ObjectInfo> objects;
    bool any = false;
    outbox_->Visit(after ? *after : prefix, [&](const Entry& entry) {
      if (!std::string_view(entry.key).starts_with(prefix)) {
        return std::string_view(entry.key) < prefix;
      }
      if (!last.empty() && entry.key > last) return false;
      if (entry.primary == Primary::kUpToDate || (after && entry.key <= *after)) return true;
      if (!any) {
        for (ObjectInfo& object : page.objects) objects.emplace(object.key, object);
      }
      any = true;
      if (entry.primary == Primary::kWrite) objects[entry.key] = InfoOf(entry);
      if (entry.primary == Primary::kRemove) objects.erase(entry.key);
      return true;
    });
    if (!any) return;
    page.objects.clear();
    for (auto& [key, object] : objects) {
      if (page.objects.size() == limit) {
        page.cursor = MakeCursor(page.objects.back().key);
        return;
      }
      page.objects.push_back(std::move(object));
    }
  }

  const MirrorOptions options_;
  const std::unique_ptr<ObjectStore> primary_;
  const std::unique_ptr<ObjectStore> second_;
  const std::unique_ptr<Outbox> outbox_;
  std::mutex accept_mutex_;
  std::atomic<TimePoint::rep> away_until_{0};
  std::atomic<uint64_t> fallback_reads_{0};
  Courier courier_;  // last: it uses all of this
};

}  // namespace
}  // namespace mirror

Result<std::unique_ptr<MirroredStore>> MakeMirroredStore(std::unique_ptr<ObjectStore> primary,
                                                         std::unique_ptr<ObjectStore> second,
                                                         const MirrorOptions& options) {
  if (primary == nullptr || second == nullptr) return InvalidArgument("mirror: needs two stores");
  if (options.copies_at_once == 0 || options.copies_at_once > 64) {
    return InvalidArgument("mirror copies_at_once {}: must be 1 to 64", options.copies_at_once);
  }
  NANOGRID_ASSIGN_OR_RETURN(
      auto outbox,
      mirror::Outbox::Open({.directory = options.outbox,
                            .max_bytes = options.max_outbox_bytes,
                            .retry = {.base = options.retry_base, .cap = options.retry_cap}}));
  return std::make_unique<mirror::Store>(std::move(primary), std::move(second), std::move(outbox),
                                         options);
}

}  // namespace nanogrid
