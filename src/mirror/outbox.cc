#include "mirror/outbox.h"

#include <algorithm>

#include "core/errors.h"

namespace nanogrid::mirror {
namespace {

TimePoint Now() { return std::chrono::steady_clock::now(); }

constexpr size_t kMaxEarlier = 100;

uint64_t BytesOf(const Entry& entry) { return entry.primary == Primary::kWrite ? entry.size : 0; }

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::Open(const Options& options) {
  NANOGRID_ASSIGN_OR_RETURN(auto directory, OutboxDirectory::Open(options.directory));
  NANOGRID_ASSIGN_OR_RETURN(std::vector<Entry> entries, directory->Load());
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(directory), options));
  const std::lock_guard lock(outbox->mutex_);
  for (Entry& entry : entries) {
    outbox->last_number_ = std::max(outbox->last_number_, entry.number);
    const std::string key = entry.key;
    Record& record = outbox->records_[key];
    outbox->Install(record, std::move(entry));
    outbox->Schedule(key, record, Now());
  }
  return outbox;
}

std::mutex& Outbox::SaveMutexOf(std::string_view key) {
  return save_mutexes_[std::hash<std::string_view>()(key) % save_mutexes_.size()];
}

void Outbox::Schedule(const std::string& key, Record& record, TimePoint due) {
  due_.erase({record.due, key});
  record.due = due;
  due_.insert({due, key});
  changed_.notify_all();
}

void Outbox::Install(Record& record, Entry entry) {
  bytes_ += BytesOf(entry);
  bytes_ -= BytesOf(record.entry);
  record.entry = std::move(entry);
  record.failures = 0;
  ++record.version;
}

std::optional<Entry> Outbox::Find(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(key);
  if (found == records_.end() || found->second.entry.number == 0) return std::nullopt;
  return found->second.entry;
}

void Outbox::Visit(std::string_view first, const std::function<bool(const Entry&)>& take) const {
  const std::lock_guard lock(mutex_);
  for (auto it = records_.lower_bound(first); it != records_.end(); ++it) {
    if (it->second.entry.number != 0 && !take(it->second.entry)) return;
  }
}

Result<bool> Outbox::Begin(std::string_view key, bool remove) {
  const std::lock_guard saving(SaveMutexOf(key));
  Entry entry{.key = std::string(key), .remove = remove};
  Entry replaced;
  {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(key);
    if (found != records_.end()) replaced = found->second.entry;
    if (replaced.primary != Primary::kUpToDate) return false;
    if (replaced.number != 0 && (replaced.remove || !remove)) {
      Record& record = found->second;
      ++record.writers;
      ++record.version;
      record.own_mark = false;
      return true;
    }
    entry.remove |= replaced.remove;
    entry.number = ++last_number_;
    ++records_[entry.key].writers;  // holds the place
  }
  const Status put = directory_->Put(entry, nullptr);
  const std::lock_guard lock(mutex_);
  const auto it = records_.find(key);
  if (!put.ok()) {
    --it->second.writers;
    // What was pending may have come and gone meanwhile.
    if (!DropIfDone(it, false)) Schedule(it->first, it->second, Now());
    return put;
  }
  it->second.own_mark = it->second.writers == 1 && replaced.number == 0;
  Install(it->second, std::move(entry));
  if (replaced.number != 0) directory_->Erase(replaced);
  return true;
}

void Outbox::End(std::string_view key, bool undo) {
  const std::lock_guard saving(SaveMutexOf(key));
  const std::lock_guard lock(mutex_);
  const auto it = records_.find(key);
  Record& record = it->second;
  --record.writers;
  ++record.version;
  if (undo && record.own_mark && !record.busy && DropIfDone(it, true)) return;
  if (record.writers == 0) Schedule(it->first, record, Now());
}

Result<Entry> Outbox::Accept(Entry entry, ContentFile* content) {
  const std::lock_guard saving(SaveMutexOf(entry.key));
  Entry replaced;
  {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(entry.key);
    if (found != records_.end()) replaced = found->second.entry;
    if (bytes_ - BytesOf(replaced) + BytesOf(entry) > options_.max_bytes) {
      return MakeError(absl::StatusCode::kResourceExhausted,
                       "the outbox is full: {} bytes wait for the primary store", bytes_);
    }
    entry.number = ++last_number_;
  }
  if (replaced.primary != Primary::kUpToDate) {
    entry.earlier = std::move(replaced.earlier);
    if (!replaced.sha256.empty()) entry.earlier.push_back(replaced.sha256);
    if (entry.earlier.size() > kMaxEarlier) entry.earlier.erase(entry.earlier.begin());
  }
  NANOGRID_RETURN_IF_ERROR(directory_->Put(entry, content));
  const std::lock_guard lock(mutex_);
  Record& record = records_[entry.key];
  record.own_mark = false;
  Install(record, entry);
  if (replaced.number != 0) directory_->Erase(replaced);
  Schedule(entry.key, record, Now());
  return entry;
}

Status Outbox::PrimaryDone(const Entry& entry) {
  const std::lock_guard saving(SaveMutexOf(entry.key));
  Entry next{.key = entry.key, .remove = entry.remove};
  {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(entry.key);
    if (found == records_.end() || found->second.entry.number != entry.number) {
      return absl::OkStatus();
    }
    next.number = ++last_number_;
  }
  NANOGRID_RETURN_IF_ERROR(directory_->Put(next, nullptr));
  const std::lock_guard lock(mutex_);
  Record& record = records_[entry.key];
  Install(record, std::move(next));
  record.taken = record.version;  // the one who delivers it knows
  directory_->Erase(entry);
  return absl::OkStatus();
}

std::optional<Entry> Outbox::Take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const TimePoint now = Now();
    while (!due_.empty() && due_.begin()->first <= now) {
      const std::string key = due_.begin()->second;
      due_.erase(due_.begin());
      const auto found = records_.find(key);
      if (found == records_.end()) continue;
      Record& record = found->second;
      // Whoever has it now sees to what comes after.
      if (record.busy || record.writers > 0 || record.entry.number == 0) continue;
      record.busy = true;
      record.taken = record.version;
      return record.entry;
    }
    // A copy: the one in the set may be gone while the lock is given up.
    const TimePoint first = due_.empty() ? TimePoint::max() : due_.begin()->first;
    const auto earlier = [&] { return !due_.empty() && due_.begin()->first < first; };
    if (first == TimePoint::max()) {
      changed_.wait(lock, stop, earlier);
    } else {
      changed_.wait_until(lock, stop, first, earlier);
    }
  }
  return std::nullopt;
}

bool Outbox::ChangedSinceTaken(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(key);
  return found != records_.end() && found->second.version != found->second.taken;
}

void Outbox::Return(const Entry& entry, bool delivered) {
  const std::lock_guard saving(SaveMutexOf(entry.key));
  const std::lock_guard lock(mutex_);
  const auto it = records_.find(entry.key);
  Record& record = it->second;
  record.busy = false;
  const bool changed = record.version != record.taken;
  if (!changed && DropIfDone(it, delivered)) return;
  if (record.writers > 0) return;  // End goes on
  if (changed) return Schedule(it->first, record, Now());
  Schedule(it->first, record, Now() + NextDelay(options_.retry, record.failures, RandomFraction()));
  ++record.failures;
}

// `done`: nothing is left to deliver.
bool Outbox::DropIfDone(Records::iterator it, bool done) {
  Record& record = it->second;
  if (record.writers > 0 || record.busy || (record.entry.number != 0 && !done)) return false;
  if (record.entry.number != 0) directory_->Erase(record.entry);
  bytes_ -= BytesOf(record.entry);
  due_.erase({record.due, it->first});
  records_.erase(it);
  changed_.notify_all();
  return true;
}

Status Outbox::WaitUntilEmpty(const Context& context) {
  std::unique_lock lock(mutex_);
  const auto empty = [this] { return records_.empty(); };
  if (context.deadline == TimePoint::max()) {
    changed_.wait(lock, context.stop, empty);
  } else {
    changed_.wait_until(lock, context.stop, context.deadline, empty);
  }
  return empty() ? absl::OkStatus() : context.Check(Now());
}

Outbox::Size Outbox::size() const {
  const std::lock_guard lock(mutex_);
  return {.keys = records_.size(), .bytes = bytes_};
}

}  // namespace nanogrid::mirror
