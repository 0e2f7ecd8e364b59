#include "mirror/verify.h"

#include <utility>

#include "core/errors.h"
#include "mirror/content_file.h"
#include "mirror/courier.h"

namespace nanogrid::mirror {
namespace {

constexpr size_t kMaxDetails = 100;

// A store's objects one after the other, a page at a time.
class Listing {
 public:
  Listing(ObjectStore& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  // The next one; null at the end. Until Advance.
  Result<const ObjectInfo*> Current(const Context& context) {
    while (next_ == page_.objects.size() && !(begun_ && page_.cursor.empty())) {
      NANOGRID_ASSIGN_OR_RETURN(page_, store_.List(context, prefix_, page_.cursor));
      begun_ = true;
      next_ = 0;
    }
    return next_ < page_.objects.size() ? &page_.objects[next_] : nullptr;
  }
  void Advance() { ++next_; }

 private:
  ObjectStore& store_;
  const std::string prefix_;
  ObjectPage page_{};
  size_t next_ = 0;
  bool begun_ = false;
};

class Verification {
 public:
  Verification(const Context& context, ObjectStore& primary, ObjectStore& second, Outbox& outbox,
               const VerifyOptions& options)
      : context_(context), primary_(primary), second_(second), outbox_(outbox), options_(options) {}

  Result<MirrorReport> Run() {
    Listing first(primary_, options_.prefix);
    Listing other(second_, options_.prefix);
    while (true) {
      NANOGRID_ASSIGN_OR_RETURN(const ObjectInfo* const a, first.Current(context_));
      NANOGRID_ASSIGN_OR_RETURN(const ObjectInfo* const b, other.Current(context_));
      if (a == nullptr && b == nullptr) return report_;
      const int order = a == nullptr ? 1 : b == nullptr ? -1 : a->key.compare(b->key);
      const std::string key = order <= 0 ? a->key : b->key;
      if (order > 0 || order == 0 || options_.mirrored(key)) {
        NANOGRID_RETURN_IF_ERROR(Look(key));
      }
      if (order <= 0) first.Advance();
      if (order >= 0) other.Advance();
    }
  }

 private:
  // What the lists say may be old by now.
  Status Look(const std::string& key) {
    if (outbox_.Find(key)) {
      ++report_.objects;
      ++report_.pending;
      Detail("pending", key);
      return absl::OkStatus();
    }
    HashSink first;
    HashSink other;
    Status a = primary_.Read(context_, key, first);
    if (!a.ok() && !absl::IsNotFound(a)) return a;
    Status b = second_.Read(context_, key, other);
    if (!b.ok() && !absl::IsNotFound(b)) return b;
    if (!a.ok() && !b.ok()) return absl::OkStatus();
    ++report_.objects;
    report_.bytes_compared += first.size() + other.size();
    if (!b.ok()) return Differs("only in the primary", key, report_.only_primary, true);
    if (!a.ok()) return Differs("only in the second", key, report_.only_second, false);
    if (first.TakeSha256() == other.TakeSha256()) {
      ++report_.equal;
      return absl::OkStatus();
    }
    return Differs("different", key, report_.different, true);
  }

  Status Differs(const char* how, const std::string& key, uint64_t& count, bool from_primary) {
    ++count;
    Detail(how, key);
    if (!options_.repair) return absl::OkStatus();
    ObjectStore& from = from_primary ? primary_ : second_;
    ObjectStore& to = from_primary ? second_ : primary_;
    const Status copied =
        CopyObject(context_, from, to, outbox_, key, true, {.if_absent = !from_primary});
    if (copied.ok()) {
      ++report_.repaired;
      return absl::OkStatus();
    }
    NANOGRID_RETURN_IF_ERROR(context_.Check(std::chrono::steady_clock::now()));
    Detail("not repaired (" + copied.ToString() + ")", key);
    return absl::OkStatus();
  }

  void Detail(const std::string& what, const std::string& key) {
    if (report_.details.size() < kMaxDetails) report_.details.push_back(what + ": " + key);
  }

  const Context& context_;
  ObjectStore& primary_;
  ObjectStore& second_;
  Outbox& outbox_;
  const VerifyOptions& options_;
  MirrorReport report_{};
};

}  // namespace

Result<MirrorReport> VerifyStores(const Context& context, ObjectStore& primary, ObjectStore& second,
                                  Outbox& outbox, const VerifyOptions& options) {
  return Verification(context, primary, second, outbox, options).Run();
}

}  // namespace nanogrid::mirror
