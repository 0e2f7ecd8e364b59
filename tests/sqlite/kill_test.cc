// Writers are killed at random moments; whatever they were told is done must be there, whole.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "core/unique_fd.h"
#include "nanogrid/testing/fake_clock.h"
#include "sqlite/connection.h"
#include "sqlite/temporary_database.h"

namespace nanogrid {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRounds = 30;  // sanitized writers start slowly
#else
constexpr int kRounds = 150;
#endif
constexpr int kWriters = 2;  // per round, all killed

// What was acknowledged.
struct Told {
  std::map<std::string, JobState> jobs;  // at least that far
  std::map<std::string, size_t> logs;
  std::map<std::string, std::string> sent;  // body by message
  std::set<std::string> acking, acked, removing, removed;

  void Read(const std::string& line) {
    std::istringstream words(line);
    std::string what, id, rest;
    words >> what >> id >> rest;
    if (what == "created") jobs[id] = JobState::kPending;
    if (what == "started") jobs[id] = JobState::kProcessing;
    if (what == "logged") logs[id] = std::stoul(rest);
    if (what == "ended") jobs[id] = rest == "FAILED" ? JobState::kFailed : JobState::kSuccess;
    if (what == "removing") removing.insert(id);
    if (what == "removed") removed.insert(id);
    if (what == "sent") sent[id] = rest;
    if (what == "acking") acking.insert(id);
    if (what == "acked") acked.insert(id);
  }
};

// A kill_writer and the reading end of its output.
class Writer {
 public:
  Writer(const std::string& path, const std::string& name) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    output_ = UniqueFd(ends[0]);
    const UniqueFd input(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
    std::string program = NANOGRID_KILL_WRITER, database = path, own_name = name;
    char* arguments[] = {program.data(), database.data(), own_name.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    reader_ = std::jthread([this] { ReadAll(); });
  }

  void WaitForFirstWord() { begun_.wait(false); }
  void Kill() { EXPECT_EQ(::kill(process_, SIGKILL), 0); }
  // What it told before it died.
  std::string Wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(process_, &status, 0), process_);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself";
    reader_.join();
    return text_;
  }

 private:
  // Its pipe must not fill up.
  void ReadAll() {
    std::array<char, 65536> buffer;
    while (true) {
      const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
      if (size > 0) text_.append(buffer.data(), static_cast<size_t>(size));
      begun_ = true;
      begun_.notify_all();
      if (size <= 0) return;
    }
  }

  UniqueFd output_;
  pid_t process_ = -1;
  std::string text_;
  std::atomic<bool> begun_ = false;
  std::jthread reader_;
};

int64_t Number(sqlite::Connection& connection, const char* sql) {
  sqlite::Query query(connection, sql);
  EXPECT_TRUE(query.Next().value_or(false)) << sql;
  return query.Int(0);
}

// What holds between any two transactions.
void ExpectWhole(const std::string& path) {
  const auto connection = sqlite::Connection::Open(path).value();
  // Events of a job are numbered 1, 2, … its revision; the last one has its state.
  EXPECT_EQ(Number(*connection,
                   "SELECT count(*) FROM jobs j WHERE revision != "
                   "(SELECT count(*) FROM events WHERE job = j.number) OR revision != "
                   "(SELECT max(revision) FROM events WHERE job = j.number) OR state != "
                   "(SELECT state FROM events WHERE job = j.number ORDER BY number DESC LIMIT 1)"),
            0);
  EXPECT_EQ(Number(*connection,
                   "SELECT count(*) FROM (SELECT job, revision FROM events GROUP BY 1, 2 "
                   "HAVING count(*) > 1)"),
            0);
  // Nothing belongs to a job that there is not.
  EXPECT_EQ(Number(*connection,
                   "SELECT count(*) FROM (SELECT job FROM events UNION ALL SELECT job FROM logs "
                   "UNION ALL SELECT job FROM payloads) WHERE job NOT IN "
                   "(SELECT number FROM jobs)"),
            0);
  EXPECT_EQ(Number(*connection,
                   "SELECT count(*) FROM jobs j WHERE (state IN (2, 3)) != (outcome NOT NULL)"),
            0);
  // Counters count.
  EXPECT_EQ(Number(*connection,
                   "SELECT coalesce((SELECT value FROM counters WHERE name = 'messages'), 0) = "
                   "(SELECT count(*) FROM messages)"),
            1);
  EXPECT_EQ(Number(*connection,
                   "SELECT coalesce(sum(value), 0) = (SELECT count(*) FROM jobs) FROM counters "
                   "WHERE name IN ('PENDING', 'PROCESSING', 'SUCCESS', 'FAILED', 'CANCELLED')"),
            1);
}

// Jobs are as far as was told, or one step further: what is not acknowledged may have happened.
void ExpectJobs(JobStore& jobs, const Told& told) {
  for (const auto& [id, state] : told.jobs) {
    const Result<Job> job = jobs.Get(Context{}, id);
    if (told.removed.contains(id)) {
      EXPECT_EQ(job.status().code(), absl::StatusCode::kNotFound) << id;
      continue;
    }
    if (!job.ok() && told.removing.contains(id)) continue;
    ASSERT_TRUE(job.ok()) << job.status();
    if (IsTerminal(state)) {
      EXPECT_EQ(job->state, state) << id;
    } else {
      EXPECT_GE(job->revision, state == JobState::kPending ? 1u : 2u) << id;
    }
    const auto log = told.logs.find(id);
    if (log == told.logs.end()) continue;
    EXPECT_EQ(jobs.ReadLog(Context{}, id, 0)->bytes, std::string(log->second, 'l')) << id;
  }
}

// All that was sent and not acknowledged is delivered, once, and nothing that was acknowledged.
void ExpectMessages(Queue& queue, const Told& told) {
  std::map<std::string, std::string> delivered;
  while (queue.Depth(Context{})->visible > 0) {
    const auto deliveries = queue.Receive(Context{}, {Queue::kMaxBatch, std::chrono::hours(1)});
    ASSERT_TRUE(deliveries.ok() && !deliveries->empty()) << deliveries.status();
    std::vector<Receipt> receipts;
    for (const Delivery& delivery : *deliveries) {
      EXPECT_TRUE(delivered.emplace(delivery.id, delivery.body).second) << delivery.id;
      EXPECT_FALSE(told.acked.contains(delivery.id)) << delivery.id;
      receipts.push_back(delivery.receipt);
    }
    ASSERT_TRUE(queue.Ack(Context{}, receipts).ok());
  }
  for (const auto& [id, body] : told.sent) {
    const auto found = delivered.find(id);
    if (found == delivered.end()) {
      EXPECT_TRUE(told.acking.contains(id)) << id << " is lost";
    } else {
      EXPECT_EQ(found->second, body);
    }
  }
}

TEST(SqliteKillTest, WhatWasAcknowledgedSurvivesKills) {
  const auto seed = std::random_device()();
  std::printf("seed %u, %d kills\n", seed, kRounds * kWriters);
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> life_ms(1, 60);
  const TemporaryDatabase database;
  // Long after every lease.
  FakeClock clock;
  clock.Advance(std::chrono::hours(24 * 365 * 100));

  size_t jobs = 0, messages = 0;
  for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::array<std::unique_ptr<Writer>, kWriters> writers;
    for (size_t i = 0; i < kWriters; ++i) {
      writers[i] = std::make_unique<Writer>(database.path(), "w" + std::to_string(i));
    }
    Told told;
    for (auto& writer : writers) {  // one after the other: the second goes on for a while
      if (round % 5 != 0) writer->WaitForFirstWord();  // else it may die while it opens
      std::this_thread::sleep_for(std::chrono::milliseconds(life_ms(random)));
      writer->Kill();
      std::istringstream lines(writer->Wait());
      for (std::string line; std::getline(lines, line);) told.Read(line);
    }
    const SqliteStores stores = database.Open(clock);
    ExpectJobs(*stores.jobs, told);
    ExpectMessages(*stores.queue, told);
    ExpectWhole(database.path());
    jobs += told.jobs.size();
    messages += told.sent.size();
  }
  std::printf("%zu jobs and %zu messages were acknowledged\n", jobs, messages);
  const auto connection = sqlite::Connection::Open(database.path()).value();
  EXPECT_EQ(Number(*connection,
                   "SELECT count(*) FROM pragma_integrity_check "
                   "WHERE integrity_check = 'ok'"),
            1);
  EXPECT_GT(jobs, 0u);
}

}  // namespace
}  // namespace nanogrid
