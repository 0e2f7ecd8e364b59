// Which keys a store lacks something of: in memory for speed, on disk for certain.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/backoff.h"
#include "mirror/outbox_directory.h"

namespace nanogrid::mirror {

// Thread-safe. Nothing is delivered of a key while somebody writes it.
class Outbox {
 public:
  struct Options {
    std::string directory{};
    uint64_t max_bytes = 0;
    BackoffOptions retry{};
  };
  struct Size {
    uint64_t keys = 0;
    uint64_t bytes = 0;
  };

  static Result<std::unique_ptr<Outbox>> Open(const Options& options);

  // What is pending of the key.
  std::optional<Entry> Find(std::string_view key) const;
  Result<UniqueFd> OpenContent(const Entry& entry) const { return directory_->OpenContent(entry); }
  Result<std::unique_ptr<ContentFile>> NewContent() const { return directory_->NewContent(); }
  // Of keys from `first` on, as long as `take` wants more.
  void Visit(std::string_view first, const std::function<bool(const Entry&)>& take) const;

  // The caller is going to change the key in the primary: written down when this returns. False:
  // the primary has not heard of earlier changes, so this one has to be accepted behind them; then
  // there is nothing to end.
  Result<bool> Begin(std::string_view key, bool remove);
  // It is done, or failed. `undo`: nothing can have happened, so that the mark is not needed if it
  // was made for this.
  void End(std::string_view key, bool undo);

  // A change that the primary has not heard of; replaces earlier ones. Answers it with its number.
  Result<Entry> Accept(Entry entry, ContentFile* content);
  // The primary has heard now of `entry`, unless that was replaced meanwhile.
  Status PrimaryDone(const Entry& entry);

  // What is to be delivered next, once there is something; none: stop was requested.
  std::optional<Entry> Take(const std::stop_token& stop);
  // Whether there is more to deliver of a taken key than what was taken: after Return it is due
  // again.
  bool ChangedSinceTaken(std::string_view key) const;
  // Ends Take; `delivered`: all is done, unless there is more by now.
  void Return(const Entry& entry, bool delivered);

  // Until nothing is pending.
  Status WaitUntilEmpty(const Context& context);
  Size size() const;

 private:
  struct Record {
    Entry entry{};         // number 0: nothing yet
    uint64_t version = 0;  // changes with everything that is done to the key
    uint32_t writers = 0;
    bool own_mark = false;  // the entry was made by the one writer there is
    bool busy = false;      // being delivered
    uint64_t taken = 0;     // version then
    uint32_t failures = 0;
    TimePoint due{};
  };
  using Records = std::map<std::string, Record, std::less<>>;

  Outbox(std::unique_ptr<OutboxDirectory> directory, const Options& options)
      : options_(options), directory_(std::move(directory)) {}
  std::mutex& SaveMutexOf(std::string_view key);
  // With the mutex held.
  void Schedule(const std::string& key, Record& record, TimePoint due);
  void Install(Record& record, Entry entry);
  bool DropIfDone(Records::iterator it, bool done);

  const Options options_;
  const std::unique_ptr<OutboxDirectory> directory_;
  std::array<std::mutex, 64>
      save_mutexes_;  // by key: entries are put in the order of their numbers
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Records records_;
  std::set<std::pair<TimePoint, std::string>> due_;
  uint64_t last_number_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace nanogrid::mirror
