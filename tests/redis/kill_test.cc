// The server is killed in the middle of load, again and again; with appendonly and appendfsync
// always, whatever was acknowledged is there afterwards.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "core/request_id.h"
#include "redis/redis_server.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;

constexpr int kKills = 6;

// What was acknowledged, by body or job id.
struct Told {
  std::mutex mutex;
  std::set<std::string> sent, acking, received;
  std::map<std::string, JobState> jobs;
  std::map<std::string, std::string> logs;

  template <typename Change>
  void Note(Change change) {
    const std::lock_guard lock(mutex);
    change();
  }
};

void SendMessages(Queue& queue, Told& told, const std::stop_token& stop, const std::string& name) {
  for (int n = 0; !stop.stop_requested(); n += 3) {
    std::vector<Message> messages;
    for (int i = n; i < n + 3; ++i) messages.push_back({.body = name + std::to_string(i)});
    if (!queue.Send(Context{}, messages).ok()) continue;  // the next have other names
    told.Note([&] {
      for (const Message& message : messages) told.sent.insert(message.body);
    });
  }
}

void ReceiveMessages(Queue& queue, Told& told, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto deliveries = queue.Receive(Context::WithStop(stop), {.max_messages = 2});
    if (!deliveries.ok() || deliveries->empty()) continue;
    std::vector<Receipt> receipts;
    told.Note([&] {
      for (const Delivery& delivery : *deliveries) {
        receipts.push_back(delivery.receipt);
        told.received.insert(delivery.body);
        told.acking.insert(delivery.body);
      }
    });
    queue.Ack(Context{}, receipts).IgnoreError();
  }
}

void LiveJobs(JobStore& jobs, Told& told, const std::stop_token& stop) {
  for (int n = 0; !stop.stop_requested(); ++n) {
    Job job;
    job.id = MakeRequestId();
    job.function = "f";
    job.version = 1;
    auto stored = jobs.Create(Context{}, job);
    if (!stored.ok()) continue;
    told.Note([&] { told.jobs[job.id] = JobState::kPending; });
    Job next = *stored;
    next.state = JobState::kProcessing;
    next.attempt = 1;
    stored = jobs.Transition(Context{}, {job.id, 0}, JobState::kPending, next);
    if (!stored.ok()) continue;
    told.Note([&] { told.jobs[job.id] = JobState::kProcessing; });
    const std::string log(static_cast<size_t>(n % 100), 'l');
    if (!jobs.AppendLog(Context{}, {job.id, 1}, log).ok()) continue;
    told.Note([&] { told.logs[job.id] = log; });
    next = *stored;
    next.state = n % 5 == 0 ? JobState::kFailed : JobState::kSuccess;
    next.outcome = Outcome{.ending = n % 5 == 0 ? Ending::kExited : Ending::kReturned,
                           .result = std::to_string(n)};
    stored = jobs.Transition(Context{}, {job.id, 1}, JobState::kProcessing, next);
    if (!stored.ok()) continue;
    told.Note([&] { told.jobs[job.id] = stored->state; });
  }
}

void ExpectJobs(JobStore& jobs, const Told& told) {
  std::vector<uint64_t> counts(5);
  for (const auto& [id, state] : told.jobs) {
    const auto job = jobs.Get(Context{}, id);
    ASSERT_TRUE(job.ok()) << job.status();
    ++counts[static_cast<size_t>(job->state)];
    if (IsTerminal(state)) {
      EXPECT_EQ(job->state, state);
    } else {
      EXPECT_GE(job->revision, state == JobState::kPending ? 1u : 2u);
    }
    // Every change is an event, without gaps.
    const auto events = jobs.Events(Context{}, id, "");
    ASSERT_TRUE(events.ok() && events->size() == job->revision) << id;
    EXPECT_EQ(events->back().state, job->state);
    const auto log = told.logs.find(id);
    if (log == told.logs.end()) continue;
    EXPECT_EQ(jobs.ReadLog(Context{}, id, 0)->bytes, log->second);
  }
  // Jobs whose creation nobody was told of may be there, too.
  const auto all = jobs.Count(Context{}).value();
  for (size_t state = 0; state < 5; ++state) EXPECT_GE(all[state], counts[state]);
}

// What was sent and is not being acknowledged is in the stream, leased or not.
void ExpectMessages(const RedisServer& server, const Told& told) {
  std::multiset<std::string> there;
  for (const redis::Reply& entry : server.Ask({"XRANGE", "nanogrid:queue", "-", "+"}).items) {
    there.insert(entry.items.at(1).items.at(1).text);
  }
  for (const std::string& body : told.sent) {
    EXPECT_LE(there.count(body), 1u) << body;
    EXPECT_TRUE(there.contains(body) || told.acking.contains(body)) << body << " is lost";
  }
}

TEST(RedisKillTest, WhatWasAcknowledgedSurvivesTheServersDeath) {
  const auto seed = std::random_device()();
  std::printf("seed %u, %d kills\n", seed, kKills);
  std::mt19937 random(seed);
  RedisServer server({"appendonly yes", "appendfsync always"});
  const auto queue = OpenRedisQueue(server.options()).value();
  const auto jobs = OpenRedisJobStore(server.options()).value();
  Told told;
  {
    std::vector<std::jthread> threads;
    for (const char* name : {"a", "b"}) {
      threads.emplace_back(
          [&, name](const std::stop_token& stop) { SendMessages(*queue, told, stop, name); });
      threads.emplace_back([&](const std::stop_token& stop) { LiveJobs(*jobs, told, stop); });
    }
    threads.emplace_back([&](const std::stop_token& stop) { ReceiveMessages(*queue, told, stop); });
    for (int kill = 0; kill < kKills; ++kill) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 200));
      server.Kill();
      server.Start();
    }
  }
  ExpectJobs(*jobs, told);
  ExpectMessages(server, told);
  std::printf("%zu jobs and %zu messages were acknowledged, %zu received\n", told.jobs.size(),
              told.sent.size(), told.received.size());
  EXPECT_FALSE(told.jobs.empty() || told.sent.empty() || told.received.empty());
}

}  // namespace
}  // namespace nanogrid
