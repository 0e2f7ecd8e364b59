// One database file, shared by all adapters of this process that work on it.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/change_signal.h"
#include "nanogrid/clock.h"
#include "sqlite/connection.h"
#include "sqlite/file_lock.h"

namespace nanogrid::sqlite {

// What somebody waits for.
enum class Topic { kNothing, kMessages, kEvents };

// Thread-safe. One thread writes: what many callers ask for at the same time becomes one
// transaction and one fsync. Readers have connections of their own and wait for nobody. Between
// processes, writers take turns.
class Database {
 public:
  // Runs on the writing thread, or on the caller's if it reads.
  using Work = std::function<Status(Connection&)>;

  // Creates the file, mode 0600, in a directory that exists.
  static Result<std::shared_ptr<Database>> Open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs `change` and answers its error, having undone what it did; OK once it is on disk. Wakes
  // who waits for `topic`. Nothing happened if the context ended first.
  Status Write(const Context& context, const Clock& clock, Topic topic, const Work& change);
  // Runs `work` on one state of the database.
  Status Read(const Work& work);

  // Counts what others may wait for; ask before looking.
  uint64_t Changes(Topic topic);
  // Waits until there were more changes than `seen` (also by other processes), or something else
  // that the caller has to look at: `until` on the clock, the context's end.
  void WaitForChange(const Context& context, const Clock& clock, Topic topic, uint64_t seen,
                     TimePoint until = TimePoint::max());

 private:
  struct Pending;
  struct Watched {
    uint64_t changes = 0;
    ChangeSignal signal{};
  };

  Database(std::string path, FileLock lock, std::unique_ptr<Connection> writer);
  void WriteUntilClosed();
  void RunBatch(const std::vector<Pending*>& batch);
  Status RunOne(const Work& change);
  Result<int64_t> ForeignVersion();
  void LookForForeignChanges(std::unique_lock<std::mutex>& lock);
  void Changed(Topic topic);
  Watched& Of(Topic topic) { return watched_[static_cast<size_t>(topic)]; }
  Result<std::unique_ptr<Connection>> TakeReader();

  const std::string path_;
  FileLock file_lock_;  // the writing thread's, as what follows
  std::unique_ptr<Connection> writer_;
  int64_t foreign_version_ = 0;
  std::chrono::steady_clock::time_point looked_{};

  std::mutex mutex_;
  std::condition_variable work_;  // for the writing thread
  std::deque<Pending*> queue_;
  std::array<Watched, 3> watched_;
  size_t waiting_ = 0;  // in WaitForChange
  bool closing_ = false;
  std::vector<std::unique_ptr<Connection>> readers_;  // idle

  std::thread thread_;
};

}  // namespace nanogrid::sqlite
