#include "sqlite/database.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "core/errors.h"
#include "core/unique_fd.h"
#include "sqlite/schema.h"

namespace nanogrid::sqlite {
namespace {

constexpr size_t kMaxBatch = 256;
constexpr size_t kMaxIdleReaders = 8;
// How often somebody who waits sees what other processes did.
constexpr std::chrono::milliseconds kForeignLook(10);

// Must not open the file if it is there: closing it would release SQLite's own locks on it
// (fcntl(2), advisory record locks).
Status MakeFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd || errno == EEXIST) return absl::OkStatus();
  return ErrnoError(errno, "create database " + path);
}

Result<std::unique_ptr<Connection>> OpenWriter(const std::string& path) {
  NANOGRID_ASSIGN_OR_RETURN(auto connection, Connection::Open(path));
  NANOGRID_RETURN_IF_ERROR(
      connection->Execute("PRAGMA synchronous=FULL; PRAGMA cache_size=-32000"));
  NANOGRID_RETURN_IF_ERROR(PrepareSchema(*connection, path));
  return connection;
}

}  // namespace

struct Database::Pending {
  const Work& change;
  const Topic topic;
  ChangeSignal progress{};
  enum { kQueued, kTaken, kDone } phase = kQueued;
  Status status{};
};

Result<std::shared_ptr<Database>> Database::Open(const std::string& path) {
  // By inode: a path may lead elsewhere by now. Databases leave it to the last user's thread.
  static std::mutex mutex;
  static auto& open = *new std::map<std::pair<dev_t, ino_t>, std::weak_ptr<Database>>;
  if (path.empty()) return InvalidArgument("path '': must name a database file");
  const std::lock_guard lock(mutex);
  NANOGRID_RETURN_IF_ERROR(MakeFile(path));
  struct stat file = {};
  if (::stat(path.c_str(), &file) != 0) return ErrnoError(errno, "stat database " + path);
  if (!S_ISREG(file.st_mode)) return FailedPrecondition("database '{}': is not a file", path);
  std::erase_if(open, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Database>& entry = open[{file.st_dev, file.st_ino}];
  if (std::shared_ptr<Database> database = entry.lock()) return database;

  NANOGRID_ASSIGN_OR_RETURN(FileLock file_lock, FileLock::Open(path + ".lock"));
  NANOGRID_RETURN_IF_ERROR(file_lock.Acquire());
  Result<std::unique_ptr<Connection>> writer = OpenWriter(path);
  file_lock.Release();
  if (!writer.ok()) return writer.status();
  std::shared_ptr<Database> database(new Database(path, std::move(file_lock), *std::move(writer)));
  entry = database;
  return database;
}

Database::Database(std::string path, FileLock lock, std::unique_ptr<Connection> writer)
    : path_(std::move(path)),
      file_lock_(std::move(lock)),
      writer_(std::move(writer)),
      thread_([this] { WriteUntilClosed(); }) {}

Database::~Database() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    work_.notify_one();
  }
  thread_.join();
}

Status Database::Write(const Context& context, const Clock& clock, Topic topic,
                       const Work& change) {
  NANOGRID_RETURN_IF_ERROR(context.Check(clock.Now()));
  Pending pending{.change = change, .topic = topic};
  std::unique_lock lock(mutex_);
  queue_.push_back(&pending);
  work_.notify_one();
  while (pending.phase == Pending::kQueued) {
    if (pending.progress.Wait(lock, context, clock, TimePoint::max())) continue;
    if (pending.phase != Pending::kQueued) break;
    std::erase(queue_, &pending);
    return context.Check(clock.Now());
  }
  while (pending.phase != Pending::kDone) {
    pending.progress.Wait(lock, Context{}, Clock::System(), TimePoint::max());
  }
  return pending.status;
}

void Database::WriteUntilClosed() {
  std::unique_lock lock(mutex_);
  while (!closing_ || !queue_.empty()) {
    if (waiting_ > 0) LookForForeignChanges(lock);
    if (queue_.empty()) {
      const auto has_work = [this] { return closing_ || !queue_.empty(); };
      if (waiting_ > 0) {
        work_.wait_for(lock, kForeignLook, has_work);
      } else {
        work_.wait(lock, [&] { return has_work() || waiting_ > 0; });
      }
      continue;
    }
    // Whoever comes while another process has the turn is in the batch.
    lock.unlock();
    const Status turn = file_lock_.Acquire();
    lock.lock();
    const size_t size = std::min(queue_.size(), kMaxBatch);
    const std::vector<Pending*> batch(queue_.begin(), queue_.begin() + static_cast<long>(size));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<long>(size));
    for (Pending* pending : batch) pending->phase = Pending::kTaken;
    lock.unlock();
    if (turn.ok()) {
      RunBatch(batch);
      file_lock_.Release();
    } else {
      for (Pending* pending : batch) pending->status = turn;
    }
    lock.lock();
    for (Pending* pending : batch) {
      if (pending->status.ok()) Changed(pending->topic);
      pending->phase = Pending::kDone;
      pending->progress.Notify();  // its owner may leave as soon as the mutex is free
    }
  }
}

// Fills in every status. All of the batch shares the fate of the transaction: an answer may rest on
// what another change in it did.
void Database::RunBatch(const std::vector<Pending*>& batch) {
  Status transaction = writer_->Execute("BEGIN IMMEDIATE");
  for (Pending* pending : batch) {
    if (!transaction.ok()) break;
    pending->status = RunOne(pending->change);
    // SQLite gives up a whole transaction when the disk is full or broken.
    if (writer_->InAutocommit()) transaction = pending->status;
  }
  if (transaction.ok()) transaction = Query(*writer_, "COMMIT").Run();
  if (transaction.ok()) return;
  if (!writer_->InAutocommit()) writer_->Execute("ROLLBACK").IgnoreError();
  for (Pending* pending : batch) pending->status = transaction;
}

Status Database::RunOne(const Work& change) {
  NANOGRID_RETURN_IF_ERROR(Query(*writer_, "SAVEPOINT change").Run());
  Status status = change(*writer_);
  if (!status.ok() && !writer_->InAutocommit()) {
    NANOGRID_RETURN_IF_ERROR(Query(*writer_, "ROLLBACK TO change").Run());
  }
  if (writer_->InAutocommit()) return status;
  NANOGRID_RETURN_IF_ERROR(Query(*writer_, "RELEASE change").Run());
  return status;
}

Status Database::Read(const Work& work) {
  NANOGRID_ASSIGN_OR_RETURN(std::unique_ptr<Connection> reader, TakeReader());
  NANOGRID_RETURN_IF_ERROR(Query(*reader, "BEGIN").Run());
  Status status = work(*reader);
  // Nothing was written: the end of the transaction cannot fail in a way that matters.
  if (!Query(*reader, "COMMIT").Run().ok()) return status;
  const std::lock_guard lock(mutex_);
  if (readers_.size() < kMaxIdleReaders) readers_.push_back(std::move(reader));
  return status;
}

Result<std::unique_ptr<Connection>> Database::TakeReader() {
  {
    const std::lock_guard lock(mutex_);
    if (!readers_.empty()) {
      std::unique_ptr<Connection> reader = std::move(readers_.back());
      readers_.pop_back();
      return reader;
    }
  }
  NANOGRID_ASSIGN_OR_RETURN(auto reader, Connection::Open(path_));
  NANOGRID_RETURN_IF_ERROR(reader->Execute("PRAGMA query_only=1"));
  return reader;
}

uint64_t Database::Changes(Topic topic) {
  const std::lock_guard lock(mutex_);
  return Of(topic).changes;
}

void Database::WaitForChange(const Context& context, const Clock& clock, Topic topic, uint64_t seen,
                             TimePoint until) {
  std::unique_lock lock(mutex_);
  if (++waiting_ == 1) work_.notify_one();  // starts to look at other processes
  if (Of(topic).changes == seen) Of(topic).signal.Wait(lock, context, clock, until);
  --waiting_;
}

void Database::Changed(Topic topic) {
  ++Of(topic).changes;
  Of(topic).signal.Notify();
}

void Database::LookForForeignChanges(std::unique_lock<std::mutex>& lock) {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kForeignLook) return;
  looked_ = now;
  lock.unlock();
  const Result<int64_t> version = ForeignVersion();
  lock.lock();
  if (!version.ok() || *version == foreign_version_) return;
  foreign_version_ = *version;
  Changed(Topic::kMessages);
  Changed(Topic::kEvents);
}

// Differs from what it was if another connection changed the file.
Result<int64_t> Database::ForeignVersion() {
  Query query(*writer_, "PRAGMA data_version");
  NANOGRID_ASSIGN_OR_RETURN(const bool row, query.Next());
  return row ? query.Int(0) : 0;
}

}  // namespace nanogrid::sqlite
