// What the stores in SQLite promise beyond their interfaces: files, sharing, errors, plans.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <list>
#include <thread>

#include "nanogrid/testing/fake_clock.h"
#include "sqlite/database.h"
#include "sqlite/stores.h"
#include "sqlite/temporary_database.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using sqlite::Connection;
using sqlite::Database;
using sqlite::Query;

Job NewPending(const std::string& last_digits) {
  Job job;
  job.id = "00000000-0000-4000-8000-00000000" + last_digits;
  job.function = "f";
  job.version = 1;
  job.event = "{}";
  return job;
}

// Creates it and takes it through its life, with a log.
Job Live(JobStore& jobs, const Job& asked) {
  Job next = jobs.Create(Context{}, asked).value();
  next.state = JobState::kProcessing;
  next.attempt = 1;
  next = jobs.Transition(Context{}, {asked.id, 0}, JobState::kPending, next).value();
  EXPECT_TRUE(jobs.AppendLog(Context{}, {asked.id, 1}, "log").ok());
  next.state = JobState::kSuccess;
  next.outcome = Outcome{.result = "42"};
  return jobs.Transition(Context{}, {asked.id, 1}, JobState::kProcessing, next).value();
}

int64_t Number(Connection& connection, const char* sql) {
  Query query(connection, sql);
  EXPECT_TRUE(query.Next().value_or(false)) << sql;
  return query.Int(0);
}

Status OpenStatus(const std::string& path) { return OpenSqlite({.path = path}).status(); }

void ExpectRefused(const std::string& path, Code code) {
  const Status status = OpenStatus(path);
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_NE(std::string(status.message()).find(path), std::string::npos) << status;
}

TEST(SqliteStoresTest, EverythingIsThereAfterReopening) {
  const TemporaryDatabase database;
  std::string id;
  {
    const SqliteStores stores = database.Open();
    Live(*stores.jobs, NewPending("0001"));
    id = stores.queue->Send(Context{}, std::vector<Message>{{.body = "a"}}).value()[0];
    FunctionVersion version;
    version.name = "f";
    version.limits.cpus = 0.1;
    ASSERT_TRUE(stores.catalog->Put(Context{}, version).ok());
  }
  const SqliteStores stores = database.Open();
  const Job job = stores.jobs->Get(Context{}, NewPending("0001").id).value();
  EXPECT_EQ(job.state, JobState::kSuccess);
  EXPECT_EQ(job.outcome->result, "42");
  EXPECT_EQ(stores.jobs->Events(Context{}, job.id, "").value().size(), 3u);
  EXPECT_EQ(stores.jobs->ReadLog(Context{}, job.id, 0).value().bytes, "log");
  EXPECT_EQ(stores.queue->Receive(Context{}, {}).value()[0].id, id);
  EXPECT_EQ(stores.catalog->Get(Context{}, "f").value().limits.cpus, 0.1);
}

TEST(SqliteStoresTest, OnlyTheOwnerMayReadTheFiles) {
  const TemporaryDatabase database;
  const SqliteStores stores = database.Open();
  Live(*stores.jobs, NewPending("0001"));
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat file = {};
    ASSERT_EQ(::stat((database.path() + suffix).c_str(), &file), 0) << suffix;
    EXPECT_EQ(file.st_mode & 0777, 0600u) << suffix;
  }
}

TEST(SqliteStoresTest, StoresOfOneFileShareItsDatabase) {
  const TemporaryDatabase directory;
  const auto database = Database::Open(directory.path()).value();
  const std::string link = directory.path() + "-link";
  ASSERT_EQ(::symlink(directory.path().c_str(), link.c_str()), 0);
  EXPECT_EQ(Database::Open(link).value(), database);
  EXPECT_NE(Database::Open(directory.path() + "-other").value(), database);
  // Who waits on one adapter is woken by another.
  const SqliteStores one = directory.Open(), other = directory.Open();
  std::jthread receiver([&] { EXPECT_EQ(one.queue->Receive(Context{}, {}).value()[0].body, "a"); });
  ASSERT_TRUE(other.queue->Send(Context{}, std::vector<Message>{{.body = "a"}}).ok());
}

TEST(SqliteStoresTest, WhatOthersWroteIsNoticed) {
  const TemporaryDatabase directory;
  const SqliteStores stores = directory.Open();
  std::jthread receiver(
      [&] { EXPECT_EQ(stores.queue->Receive(Context{}, {}).value()[0].body, "theirs"); });
  // As another process does it: on a connection that the database knows nothing of.
  const auto connection = Connection::Open(directory.path()).value();
  ASSERT_TRUE(connection->Execute("INSERT INTO messages VALUES(77, 1, 0, 1, 'theirs')").ok());
}

TEST(SqliteStoresTest, ErrorsOfOpeningNameTheFile) {
  const TemporaryDirectory directory;
  const std::string base = directory.path().string();
  EXPECT_EQ(OpenStatus("").code(), Code::kInvalidArgument);
  ExpectRefused(base + "/none/nanogrid.db", Code::kNotFound);
  ExpectRefused(base, Code::kFailedPrecondition);
  std::ofstream(base + "/text.db") << std::string(5000, 'x');
  ExpectRefused(base + "/text.db", Code::kDataLoss);
}

TEST(SqliteStoresTest, RefusesWhatItDoesNotKnow) {
  const TemporaryDatabase newer, foreign;
  newer.Open();
  ASSERT_TRUE(Connection::Open(newer.path()).value()->Execute("PRAGMA user_version = 2").ok());
  ExpectRefused(newer.path(), Code::kFailedPrecondition);
  std::ofstream(foreign.path()).flush();
  ASSERT_TRUE(Connection::Open(foreign.path()).value()->Execute("CREATE TABLE theirs(a)").ok());
  ExpectRefused(foreign.path(), Code::kFailedPrecondition);
}

TEST(SqliteStoresTest, ADamagedFileIsDataLoss) {
  const TemporaryDatabase database;
  {
    const SqliteStores stores = database.Open();
    for (int i = 1000; i < 1200; ++i) Live(*stores.jobs, NewPending(std::to_string(i)));
  }
  {
    std::fstream file(database.path(), std::ios::in | std::ios::out);
    const std::string garbage(4096, '\x5a');
    file.seekg(0, std::ios::end);
    const auto pages = static_cast<int>(file.tellg()) / 4096;
    for (int page = 1; page < pages; ++page) {  // all but the first, which has the schema
      file.seekp(page * 4096);
      file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
    }
  }
  const SqliteStores stores = database.Open();
  for (const Status& status : {stores.jobs->List(Context{}, {}).status(),
                               stores.jobs->Create(Context{}, NewPending("0001")).status()}) {
    EXPECT_EQ(status.code(), Code::kDataLoss) << status;
    EXPECT_NE(std::string(status.message()).find(database.path()), std::string::npos) << status;
  }
}

TEST(SqliteStoresTest, AFullDiskIsToldAndLeavesNothingHalfDone) {
  const TemporaryDatabase directory;
  const auto database = Database::Open(directory.path()).value();
  const auto limit_pages = [&](const char* pragma) {
    return database->Write(Context{}, Clock::System(), sqlite::Topic::kNothing,
                           [&](Connection& connection) { return connection.Execute(pragma); });
  };
  const SqliteStores stores = directory.Open();
  Live(*stores.jobs, NewPending("0001"));
  ASSERT_TRUE(limit_pages("PRAGMA max_page_count = 60").ok());
  Job large = NewPending("1000");
  large.event.assign(JobStore::kMaxInline, 'x');
  size_t stored = 1;
  Status status;
  for (int i = 1000; i < 2000 && status.ok(); ++i) {
    large.id = NewPending(std::to_string(i)).id;
    status = stores.jobs->Create(Context{}, large).status();
    if (status.ok()) ++stored;
  }
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status;
  EXPECT_EQ(stores.jobs->Get(Context{}, large.id).status().code(), Code::kNotFound);
  EXPECT_EQ(stores.jobs->List(Context{}, {}).value().jobs.size(), stored);
  EXPECT_EQ(stores.jobs->Events(Context{}, "", "").value().size(), stored + 2);
  ASSERT_TRUE(limit_pages("PRAGMA max_page_count = 100000").ok());
  EXPECT_EQ(stores.jobs->Create(Context{}, large).value().revision, 1u);
}

TEST(SqliteStoresTest, RemovedJobsLeaveNothing) {
  const TemporaryDatabase directory;
  const SqliteStores stores = directory.Open();
  for (int i = 1000; i < 1010; ++i) Live(*stores.jobs, NewPending(std::to_string(i)));
  for (int i = 1000; i < 1010; ++i) {
    ASSERT_TRUE(stores.jobs->Remove(Context{}, NewPending(std::to_string(i)).id).ok());
  }
  const auto connection = Connection::Open(directory.path()).value();
  EXPECT_EQ(Number(*connection,
                   "SELECT (SELECT count(*) FROM jobs) + "
                   "(SELECT count(*) FROM events) + (SELECT count(*) FROM logs) + "
                   "(SELECT count(*) FROM payloads)"),
            0);
}

// All statements of all calls, as SQLite would run them: along an index, in its order.
TEST(SqliteStoresTest, NoStatementScansOrSorts) {
  const TemporaryDatabase directory;
  const auto database = Database::Open(directory.path()).value();
  const SqliteStores stores = directory.Open();
  JobStore& jobs = *stores.jobs;
  Job job = NewPending("0001");
  job.idempotency_key = "k";
  const Job done = Live(jobs, job);
  for (const char* function : {"", "f"}) {
    for (const auto& state : {std::optional<JobState>(), std::optional(JobState::kPending)}) {
      ASSERT_TRUE(jobs.List(Context{}, {function, state}).ok());
    }
  }
  const std::vector<JobLease> leases = {{job.id, 1}};
  ASSERT_TRUE(jobs.Extend(Context{}, leases, done.due).ok());
  ASSERT_TRUE(jobs.Due(Context{}, done.due, 10).ok());
  ASSERT_TRUE(jobs.Events(Context{}, "", "").ok() && jobs.Events(Context{}, job.id, "").ok());
  ASSERT_TRUE(jobs.EventsEnd(Context{}).ok() && jobs.Count(Context{}).ok());
  ASSERT_TRUE(jobs.ReadLog(Context{}, job.id, 0).ok());
  ASSERT_TRUE(jobs.Remove(Context{}, job.id).ok());
  ASSERT_TRUE(stores.queue->Send(Context{}, std::vector<Message>{{.body = "a"}}).ok());
  const std::vector<Receipt> receipts = {stores.queue->Receive(Context{}, {}).value()[0].receipt};
  ASSERT_TRUE(stores.queue->Extend(Context{}, receipts, std::chrono::seconds(5)).ok());
  ASSERT_TRUE(stores.queue->Depth(Context{}).ok() && stores.queue->Ack(Context{}, receipts).ok());
  FunctionVersion version;
  version.name = "f";
  ASSERT_TRUE(stores.catalog->Put(Context{}, version).ok());
  ASSERT_TRUE(stores.catalog->PutAlias(Context{}, "f", "live", 1).ok());
  ASSERT_TRUE(stores.catalog->Get(Context{}, "f", "live").ok());
  ASSERT_TRUE(stores.catalog->List(Context{}).ok());
  ASSERT_TRUE(stores.catalog->ListVersions(Context{}, "f").ok());
  ASSERT_TRUE(stores.catalog->RemoveAlias(Context{}, "f", "live").ok());
  ASSERT_TRUE(stores.catalog->Remove(Context{}, "f").ok());

  size_t explained = 0;
  std::list<std::string> kept;  // the connection knows statements by address
  const auto explain = [&](Connection& connection) {
    for (const std::string& sql : connection.Statements()) {
      if (sql.find("sqlite_schema") != std::string::npos) continue;
      Query plan(connection, kept.emplace_back("EXPLAIN QUERY PLAN " + sql).c_str());
      while (plan.Next().value_or(false)) {
        const std::string step = plan.Bytes(3);
        EXPECT_FALSE(step.starts_with("SCAN") || step.find("TEMP B-TREE") != std::string::npos)
            << step << ": " << sql;
        ++explained;
      }
    }
    return absl::OkStatus();
  };
  ASSERT_TRUE(database->Read(explain).ok());
  ASSERT_TRUE(database->Write(Context{}, Clock::System(), sqlite::Topic::kNothing, explain).ok());
  EXPECT_GT(explained, 30u);
}

}  // namespace
}  // namespace nanogrid
