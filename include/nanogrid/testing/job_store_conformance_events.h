// Part of job_store_conformance.h: what happened, in order and without gaps.
#pragma once

#include <atomic>
#include <map>
#include <thread>

#include "nanogrid/testing/job_store_conformance_fixture.h"

namespace nanogrid {

TEST_P(JobStoreConformance, EventsTellALifeInItsOrder) {
  using enum JobState;
  Job job = Create(1);
  const SystemTime created = clock_.WallNow();
  Create(2);
  clock_.Advance(std::chrono::seconds(1));
  job = Start(job);
  job.progress = "0.5";
  job = Change(job, job);
  Job back = job;
  back.state = kPending;
  job = Change(job, back);
  job = End(Start(job));
  const std::vector<JobEvent> events = Events(job.id);
  const JobState states[] = {kPending, kProcessing, kProcessing, kPending, kProcessing, kSuccess};
  const uint32_t attempts[] = {0, 1, 1, 1, 2, 2};
  ASSERT_EQ(events.size(), 6u);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].job_id, job.id);
    EXPECT_EQ(events[i].function, "f");
    EXPECT_EQ(events[i].revision, i + 1);
    EXPECT_EQ(events[i].state, states[i]);
    EXPECT_EQ(events[i].attempt, attempts[i]);
    EXPECT_EQ(events[i].time, i == 0 ? created : created + std::chrono::seconds(1));
    EXPECT_EQ(events[i].progress, i < 2 ? "" : "0.5");
  }
  EXPECT_EQ(Events("").size(), 7u);
}

TEST_P(JobStoreConformance, EventsGoOnAfterACursor) {
  const std::string before = EventsEnd();
  for (uint32_t n = 0; n < 5; ++n) End(Start(Create(n, n % 2 == 0 ? "f" : "g")));
  const std::vector<JobEvent> all = Events("");
  ASSERT_EQ(all.size(), 15u);
  EXPECT_EQ(Events("", before), all);
  for (const size_t limit : {1u, 4u, 14u}) {
    std::vector<JobEvent> pieces;
    std::string cursor;
    while (pieces.size() < all.size()) {
      const std::vector<JobEvent> piece = Events("", cursor, limit);
      ASSERT_FALSE(piece.empty());
      ASSERT_LE(piece.size(), limit);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
      cursor = pieces.back().cursor;
    }
    EXPECT_EQ(pieces, all);
  }
  // A cursor of all is one of each.
  const std::vector<JobEvent> rest = Events(Id(2), all[6].cursor);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0], all[7]);
  for (const char* wrong : {"?", "-1", "1x", "99999999999999999999"}) {
    EXPECT_EQ(store_->Events(Context{}, "", wrong).status().code(), Code::kInvalidArgument);
  }
}

TEST_P(JobStoreConformance, WhatHappensWakesWhoWaitsForIt) {
  const Job other = Create(1);
  Job job = Create(2);
  const std::string end = EventsEnd();
  std::atomic<int> waiting = 0;
  const auto wait = [&] {
    ++waiting;
    waiting.notify_all();
  };
  std::jthread of_one([&] {
    wait();
    const std::vector<JobEvent> events = Events(job.id, end);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].job_id, job.id);
    EXPECT_EQ(events[0].state, JobState::kProcessing);
  });
  std::jthread of_all([&] {
    wait();
    ASSERT_FALSE(Events("", end).empty());
  });
  std::jthread of_one_to_come([&] {
    wait();
    EXPECT_EQ(Events(Id(3)).size(), 1u);
  });
  for (int count = waiting; count < 3; count = waiting) waiting.wait(count);
  Start(other);
  Start(job);
  of_one.join();
  Create(3);
}

TEST_P(JobStoreConformance, ADeadlineThatHasPassedStillGetsTheEventsThatAreThere) {
  const Context passed{.deadline = clock_.Now() - std::chrono::seconds(1)};
  Create(1);
  const auto events = store_->Events(passed, "", "");
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->size(), 1u);
  const auto none = store_->Events(passed, Id(1), EventsEnd());
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->empty());
}

TEST_P(JobStoreConformance, AStopOrADeadlineEndsTheWaitForEvents) {
  const std::string end = EventsEnd();
  std::stop_source stop;
  Context limited;
  limited.deadline = clock_.Now() + std::chrono::seconds(1);
  std::vector<std::jthread> threads;
  for (const Context& context : {Context::WithStop(stop.get_token()), limited}) {
    threads.emplace_back([this, context, end] {
      const auto events = store_->Events(context, "", end);
      ASSERT_TRUE(events.ok()) << events.status();
      EXPECT_TRUE(events->empty());
    });
  }
  stop.request_stop();
  clock_.Advance(std::chrono::seconds(1));
}

TEST_P(JobStoreConformance, AFollowerSeesEveryRevisionOnce) {
  constexpr uint32_t kThreads = 4, kJobs = 20;
  std::atomic<uint32_t> ended = 0;
  std::jthread follower([&] {
    std::map<std::string, uint32_t> revisions;
    std::string cursor;
    while (ended < kThreads * kJobs) {
      const std::vector<JobEvent> events = Events("", cursor, 7);
      ASSERT_FALSE(events.empty());
      for (const JobEvent& event : events) {
        EXPECT_EQ(event.revision, ++revisions[event.job_id]);
        if (IsTerminal(event.state)) ++ended;
      }
      cursor = events.back().cursor;
    }
  });
  std::vector<std::jthread> threads;
  for (uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint32_t n = 0; n < kJobs; ++n) {
        Job job = Start(Create(thread * kJobs + n));
        job.progress = "1";
        End(Change(job, job), n % 3 == 0 ? JobState::kFailed : JobState::kSuccess);
      }
    });
  }
  threads.clear();
  follower.join();
  EXPECT_EQ(ended, kThreads * kJobs);
}

TEST_P(JobStoreConformance, WhatEndsAnAttemptFromOutsideInterrupts) {
  using enum JobState;
  const Job cancelled = Start(Create(1));
  const Job given_back = Start(Create(2));
  const Job given_up = Start(Create(3));
  const Job taken_over = Start(Create(4));
  std::string cursor = EventsEnd();
  Job back = given_back;
  back.state = kPending;
  End(Start(Create(5)));  // perhaps told of, too
  End(cancelled, kCancelled);
  Change(given_back, back);
  End(given_up, kFailed);
  Start(taken_over);
  std::map<std::string, JobEvent> told;
  while (told.size() < 4) {
    const auto events = store_->Interruptions(Context{}, cursor, 2);
    ASSERT_TRUE(events.ok()) << events.status();
    ASSERT_FALSE(events->empty());
    for (const JobEvent& event : *events) {
      if (event.job_id != Id(5)) told[event.job_id] = event;
    }
    cursor = events->back().cursor;
  }
  EXPECT_EQ(told[Id(1)].state, kCancelled);
  EXPECT_EQ(told[Id(2)].state, kPending);
  EXPECT_EQ(told[Id(3)].state, kFailed);
  EXPECT_EQ(told[Id(4)].attempt, 2u);
}

TEST_P(JobStoreConformance, AnInterruptionWakesWhoWaitsForOne) {
  const Job job = Start(Create(1));
  const std::string end = EventsEnd();
  std::atomic<bool> waiting = false;
  std::jthread worker([&] {
    waiting = true;
    waiting.notify_all();
    const auto events = store_->Interruptions(Context{}, end);
    ASSERT_TRUE(events.ok()) << events.status();
    ASSERT_EQ(events->size(), 1u);
    EXPECT_EQ(events->front().state, JobState::kCancelled);
  });
  waiting.wait(false);
  End(job, JobState::kCancelled);
}

// Removing takes away what is old, not the place of who follows.
TEST_P(JobStoreConformance, CursorsOfEventsSurviveRemovals) {
  End(Start(Create(1)));
  const std::string end = EventsEnd();
  ASSERT_TRUE(store_->Remove(Context{}, Id(1)).ok());
  Create(2);
  const std::vector<JobEvent> events = Events("", end);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].job_id, Id(2));
  EXPECT_EQ(Events("", ""), events);
}

}  // namespace nanogrid
