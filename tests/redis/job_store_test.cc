// What the job store does beyond what every job store does.
#include <gtest/gtest.h>

#include <thread>

#include "core/request_id.h"
#include "nanogrid/records_json.h"
#include "redis/job_scripts.h"
#include "redis/redis_server.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using redis::Request;
using namespace std::chrono_literals;

class RedisJobStoreTest : public testing::Test {
 protected:
  std::unique_ptr<JobStore> Open(RedisOptions options) {
    return OpenRedisJobStore(options).value();
  }
  Job Create(const std::string& key = "", JobStore* store = nullptr) {
    Job job;
    job.id = MakeRequestId();
    job.function = "f";
    job.version = 1;
    job.event = "{}";
    job.idempotency_key = key;
    job.due = Clock::System().WallNow() + 1h;
    return (store ? store : store_.get())->Create(Context{}, job).value();
  }
  Job Change(Job job, JobState state, Duration due_in = 1h, JobStore* store = nullptr) {
    const Job before = job;
    job.state = state;
    if (state == JobState::kProcessing) ++job.attempt;
    if (state == JobState::kSuccess) job.outcome = Outcome{.result = "42"};
    job.due = Clock::System().WallNow() + std::chrono::floor<std::chrono::milliseconds>(due_in);
    return (store ? store : store_.get())
        ->Transition(Context{}, {before.id, before.attempt}, before.state, job)
        .value();
  }

  RedisServer& server_ = SharedRedisServer();
  std::unique_ptr<JobStore> store_ = Open(server_.options());
};

TEST_F(RedisJobStoreTest, OtherProgramsReadTheStatusAndTheResult) {
  const Job job = Change(Change(Create(), JobState::kProcessing), JobState::kSuccess);
  const std::string key = "nanogrid:job:" + job.id;
  EXPECT_EQ(server_.Ask({"HGET", key, "status"}).text, "SUCCESS");
  EXPECT_EQ(server_.Ask({"HGET", key, "result"}).text, "42");
  EXPECT_EQ(server_.Ask({"HGET", key, "attempt"}).text, "1");
  EXPECT_EQ(server_.Ask({"HGET", key, "function"}).text, "f");
}

TEST_F(RedisJobStoreTest, OtherProgramsHearWhatHappens) {
  const Job job = Create();
  const auto server = redis::Server::Make(server_.options()).value();
  const auto listener = redis::Connection::Open(Context{}, server).value();
  ASSERT_TRUE(
      listener->Send(Context{}, Request().Command("SUBSCRIBE", "nanogrid:events:" + job.id)).ok());
  ASSERT_EQ(listener->Receive(Context{}, 10s).value().items[0].text, "subscribe");
  Change(job, JobState::kProcessing);
  const redis::Reply message = listener->Receive(Context{}, 10s).value();
  ASSERT_EQ(message.items.size(), 3u);
  const auto event = ParseEvent(message.items[2].text);
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->job_id, job.id);
  EXPECT_EQ(event->state, JobState::kProcessing);
}

// Also if nobody sweeps.
TEST_F(RedisJobStoreTest, ATerminalJobIsGoneSomeTimeAfterItWasDue) {
  RedisOptions options = server_.options();
  options.expiry_grace = 0s;
  const auto store = Open(options);
  const Job kept =
      Change(Change(Create("kept", store.get()), JobState::kProcessing, 1h, store.get()),
             JobState::kSuccess, 1h, store.get());
  Job job = Change(Create("key", store.get()), JobState::kProcessing, 1h, store.get());
  ASSERT_TRUE(store->AppendLog(Context{}, {job.id, 1}, "log").ok());
  Change(job, JobState::kSuccess, 50ms, store.get());
  while (store->Get(Context{}, job.id).ok()) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(store->Get(Context{}, job.id).status().code(), Code::kNotFound);
  EXPECT_EQ(store->ReadLog(Context{}, job.id, 0).status().code(), Code::kNotFound);
  EXPECT_EQ(store->Count(Context{}).value()[static_cast<size_t>(JobState::kSuccess)], 1u);
  const auto page = store->List(Context{}, {});
  ASSERT_TRUE(page.ok() && page->jobs.size() == 1) << page.status();
  EXPECT_EQ(page->jobs[0].id, kept.id);
  EXPECT_TRUE(store->Due(Context{}, Clock::System().WallNow() + 1min, 10).value().empty());
  // Nothing of it is left but its place in the order of events; the key means a new job.
  EXPECT_EQ(server_.Ask({"KEYS", "*" + job.id + "*"}).items.size(), 0u);
  EXPECT_NE(Create("key", store.get()).id, job.id);
  EXPECT_EQ(Create("kept", store.get()).id, kept.id);
}

TEST_F(RedisJobStoreTest, ASweeperComesBeforeTheEndOfTheRecord) {
  const Job job = Change(Change(Create(), JobState::kProcessing), JobState::kSuccess, 0s);
  const auto due = store_->Due(Context{}, Clock::System().WallNow() + 1s, 10).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].id, job.id);
  const int64_t left = server_.Ask({"PTTL", "nanogrid:job:" + job.id}).Number();
  EXPECT_GT(left, 50 * 60 * 1000);
  EXPECT_LE(left, 61 * 60 * 1000);
}

// As after an answer that got lost.
TEST_F(RedisJobStoreTest, WhatIsAskedTwiceIsDoneOnce) {
  const Job job = Change(Create(), JobState::kProcessing);
  const auto client = redis::Client::Open(server_.options()).value();
  const std::string_view log[] = {job.id, "1", "change-a", "text "};
  const std::string_view change[] = {job.id, "2",    "change-b", "PROCESSING", "1",
                                     "0",    "{}",   "keep",     "",           "3 PROCESSING 1 0 ",
                                     "{}",   "1000", ""};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client->Run(Context{}, redis::AppendLogScript(), log)->text, "DONE");
    EXPECT_EQ(client->Run(Context{}, redis::TransitionScript(), change)->text, "DONE");
  }
  EXPECT_EQ(store_->ReadLog(Context{}, job.id, 0)->bytes, "text ");
  EXPECT_EQ(store_->Events(Context{}, job.id, "")->size(), 3u);
  const std::string_view other[] = {job.id, "2",    "change-c", "PROCESSING", "1",
                                    "0",    "{}",   "keep",     "",           "3 PROCESSING 1 0 ",
                                    "{}",   "1000", ""};
  EXPECT_EQ(client->Run(Context{}, redis::TransitionScript(), other)->text, "CHANGED");
}

TEST_F(RedisJobStoreTest, WhoWaitsIsToldAlthoughConnectionsAreCut) {
  const Job job = Create();
  const std::string end = store_->EventsEnd(Context{}).value();
  std::jthread waiter([&] {
    const auto events = store_->Events(Context{}, job.id, end);
    ASSERT_TRUE(events.ok()) << events.status();
    EXPECT_EQ(events->size(), 1u);
  });
  while (server_.Ask({"PUBSUB", "NUMPAT"}).Number() == 0) continue;
  server_.Ask({"CLIENT", "KILL", "TYPE", "pubsub"});
  server_.Ask({"CLIENT", "KILL", "TYPE", "normal"});
  Change(job, JobState::kProcessing);
}

TEST_F(RedisJobStoreTest, ManyWaitersShareOneSubscription) {
  const std::string end = store_->EventsEnd(Context{}).value();
  std::stop_source stop;
  std::vector<std::jthread> waiters;
  for (int i = 0; i < 20; ++i) {
    waiters.emplace_back([&, i] {
      const auto none = store_->Events(Context::WithStop(stop.get_token()),
                                       i % 2 == 0 ? MakeRequestId() : "", end);
      EXPECT_TRUE(none.ok() && none->empty()) << none.status();
    });
  }
  while (server_.Ask({"PUBSUB", "NUMPAT"}).Number() == 0) continue;
  const std::string clients = server_.Ask({"CLIENT", "LIST", "TYPE", "pubsub"}).text;
  EXPECT_EQ(std::count(clients.begin(), clients.end(), '\n'), 1);
  stop.request_stop();
}

TEST_F(RedisJobStoreTest, EventsAreKeptUpToABound) {
  RedisOptions options = server_.options();
  options.max_events = 1000;
  const auto store = Open(options);
  Job job = Change(Create("", store.get()), JobState::kProcessing, 1h, store.get());
  for (int i = 0; i < 1500; ++i)
    job = Change(job, JobState::kPending, 1h, store.get()),
    job = Change(job, JobState::kProcessing, 1h, store.get());
  EXPECT_LE(server_.Ask({"XLEN", "nanogrid:events"}).Number(), 1200);
  const auto events = store->Events(Context{}, job.id, "", 1000).value();
  ASSERT_EQ(events.size(), 1000u);  // the last thousand
  EXPECT_EQ(events.back().revision, job.revision);
  EXPECT_EQ(events.front().revision, job.revision - 999);
}

TEST_F(RedisJobStoreTest, AFullServerChangesNothing) {
  const Job job = Create();
  server_.Ask({"CONFIG", "SET", "maxmemory", "1"});
  Job next = job;
  next.state = JobState::kProcessing;
  next.attempt = 1;
  const Status changed =
      store_->Transition(Context{}, {job.id, 0}, JobState::kPending, next).status();
  server_.Ask({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(changed.code(), Code::kResourceExhausted) << changed;
  EXPECT_EQ(store_->Get(Context{}, job.id)->state, JobState::kPending);
  EXPECT_EQ(store_->Count(Context{}).value(), (std::vector<uint64_t>{1, 0, 0, 0, 0}));
  EXPECT_EQ(store_->Events(Context{}, job.id, "")->size(), 1u);
}

}  // namespace
}  // namespace nanogrid
