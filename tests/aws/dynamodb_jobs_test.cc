// What is DynamoDB's about the job store.
#include <thread>

#include "aws/dynamodb/job_feed.h"
#include "aws/dynamodb_test_tables.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

class DynamoDbJobs : public testing::Test {
 protected:
  void SetUp() override {
    store_ = OpenDynamoDbJobs(options_, clock_);
    auto table = aws::OpenTable(*TestSession(), options_);
    ASSERT_TRUE(table.ok()) << table.status();
    table_ = *std::move(table);
  }

  static std::string Id(int n) { return "00000000-0000-4000-8000-00000000000" + std::to_string(n); }
  static Job Asked(int n) {
    Job job;
    job.id = Id(n);
    job.function = "f";
    job.version = 1;
    job.event = "{}";
    return job;
  }
  Job Create(const Job& asked) {
    const auto job = store_->Create(Context{}, asked);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.value_or(Job{});
  }
  Job Change(const Job& from, const Job& to) {
    const auto job = store_->Transition(Context{}, {from.id, from.attempt}, from.state, to);
    EXPECT_TRUE(job.ok()) << job.status();
    return job.value_or(Job{});
  }
  Job Start(const Job& pending) {
    Job next = pending;
    next.state = JobState::kProcessing;
    ++next.attempt;
    return Change(pending, next);
  }
  std::optional<int64_t> Expires(const std::string& id) {
    const auto item = table_->Get(Context{}, aws::JobKey(id));
    EXPECT_TRUE(item.ok() && item->has_value());
    return aws::NumberIn(**item, "ttl");
  }

  FakeClock clock_;
  const DynamoDbOptions options_ = NewJobTable(MotoUrl());
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<aws::DynamoTable> table_;
};

TEST_F(DynamoDbJobs, ATableIsMadeOnce) {
  Create(Asked(1));
  const Status again = CreateDynamoDbJobTable(Context{}, options_);
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_TRUE(store_->Get(Context{}, Id(1)).ok());
}

// A writer took a number and died, or is very slow.
TEST_F(DynamoDbJobs, AFollowerPassesANumberThatNobodyUsesAndNobodyUsesItThen) {
  aws::JobFeed feed(*table_, clock_);
  const auto number = feed.Take(Context{}, {});
  ASSERT_TRUE(number.ok()) << number.status();
  Create(Asked(1));
  const auto events = store_->Events(Context{}, "", "");
  ASSERT_TRUE(events.ok() && events->size() == 1) << events.status();
  EXPECT_EQ((*events)[0].job_id, Id(1));
  EXPECT_EQ((*events)[0].cursor, std::to_string(*number + 1));

  const JobEvent late{.job_id = Id(2), .function = "f", .revision = 1};
  const aws::Write writes[] = {
      {.item = aws::FeedItem(late, *number), .condition = "attribute_not_exists(#pk)"}};
  const auto done = table_->DoAll(Context{}, writes);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  EXPECT_EQ(*store_->EventsEnd(Context{}), std::to_string(*number + 1));
}

TEST_F(DynamoDbJobs, WhatAnotherProcessChangesIsSeen) {
  const auto other = OpenDynamoDbJobs(options_, clock_);
  const Job job = Create(Asked(1));
  const std::string end = store_->EventsEnd(Context{}).value_or("");
  std::jthread waiter([&] {
    const auto events = store_->Events(Context{}, job.id, end);
    ASSERT_TRUE(events.ok() && events->size() == 1) << events.status();
    EXPECT_EQ((*events)[0].state, JobState::kCancelled);
  });
  Job next = job;
  next.state = JobState::kCancelled;
  EXPECT_TRUE(other->Transition(Context{}, {job.id, 0}, JobState::kPending, next).ok());
  waiter.join();
}

TEST_F(DynamoDbJobs, ALogMayBeLongerThanAnItem) {
  const Job job = Start(Create(Asked(1)));
  std::string log;
  for (int i = 0; log.size() < (700u << 10); ++i) log += std::to_string(i) + "\n";
  ASSERT_TRUE(store_->AppendLog(Context{}, {job.id, job.attempt}, log).ok());
  const auto all = store_->ReadLog(Context{}, job.id, 0, 1 << 20);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_TRUE(all->bytes == log);
  const auto piece = store_->ReadLog(Context{}, job.id, aws::kLogChunk - 5, 10);
  ASSERT_TRUE(piece.ok()) << piece.status();
  EXPECT_EQ(piece->bytes, log.substr(aws::kLogChunk - 5, 10));
}

TEST_F(DynamoDbJobs, AnEndedJobExpiresAfterItWasDue) {
  const Job kept = Create(Asked(1)), due = Create(Asked(2));
  Job ended = kept;
  ended.state = JobState::kCancelled;
  ended.due = SystemTime();
  Change(kept, ended);
  EXPECT_EQ(Expires(kept.id), std::nullopt);
  EXPECT_EQ(Expires(due.id), std::nullopt);
  ended = due;
  ended.state = JobState::kCancelled;
  ended.due = clock_.WallNow() + std::chrono::hours(24);
  Change(due, ended);
  const auto expected = std::chrono::floor<std::chrono::seconds>(ended.due + options_.expiry_grace);
  EXPECT_EQ(Expires(due.id), expected.time_since_epoch().count());
}

TEST_F(DynamoDbJobs, TheKeyOfAJobThatHasExpiredIsFree) {
  Job asked = Asked(1);
  asked.idempotency_key = "k";
  Create(asked);
  const aws::Write expire{.kind = aws::Write::Kind::kDelete, .item = aws::JobKey(asked.id)};
  ASSERT_TRUE(table_->Do(Context{}, expire).ok());
  asked.id = Id(2);
  EXPECT_EQ(Create(asked).id, Id(2));
  asked.id = Id(3);
  EXPECT_EQ(Create(asked).id, Id(2));
}

TEST_F(DynamoDbJobs, TheLargestJobFitsIntoItsItem) {
  Job asked = Asked(1);
  asked.event.assign(JobStore::kMaxInline, 'e');
  asked.idempotency_key.assign(256, 'k');
  const Job running = Start(Create(asked));
  Job next = running;
  next.state = JobState::kFailed;
  next.worker.assign(256, '\1');
  next.dead_letter.assign(4 << 10, '\1');
  next.progress = '"' + std::string((4 << 10) - 2, 'p') + '"';
  const std::string hard(1 << 20, '\1');  // six bytes each in JSON
  next.outcome = Outcome{.ending = Ending::kException, .error = FunctionError{hard, hard, hard}};
  next.outcome->result.assign(JobStore::kMaxInline, 'r');
  for (int i = 0; i < 20; ++i) {
    next.outcome->refused_files.push_back({.path = std::string(256, '\1'), .size = 1});
  }
  Change(running, next);
  const auto got = store_->Get(Context{}, asked.id);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->outcome->result, next.outcome->result);
  EXPECT_EQ(got->event, asked.event);
  EXPECT_GE(got->outcome->error->stack.size(), 1000u);
  const auto item = table_->Get(Context{}, aws::JobKey(asked.id));
  ASSERT_TRUE(item.ok() && item->has_value());
  size_t bytes = 0;
  for (const auto& [name, attribute] : **item) bytes += name.size() + attribute.value.size();
  EXPECT_LE(bytes, 400u * 1000);  // DynamoDB says 400 KB
}

TEST(DynamoDbJobItem, AnEventIsReadAsItWasWritten) {
  const JobEvent event{.cursor = "17",
                       .job_id = "00000000-0000-4000-8000-000000000001",
                       .function = "f",
                       .revision = 3,
                       .state = JobState::kProcessing,
                       .attempt = 2,
                       .time = SystemTime(std::chrono::milliseconds(1234567890123)),
                       .progress = R"({"done": 3, "of": " 4 "})"};
  EXPECT_EQ(*aws::ReadEvent(aws::EventItem(event, 17)), event);
  EXPECT_EQ(*aws::ReadEvent(aws::FeedItem(event, 17)), event);
  EXPECT_TRUE(aws::IsNoEvent(aws::NoEventItem(17, event.time)));
  EXPECT_FALSE(aws::IsNoEvent(aws::FeedItem(event, 17)));
  for (const char* const wrong :
       {"", "3", "3 RUNNING 2 1 j f", "x PROCESSING 2 1 j f", "3 PROCESSING 2  j f"}) {
    aws::Item item = aws::FeedItem(event, 17);
    item["entry"] = aws::TextValue(wrong);
    EXPECT_EQ(aws::ReadEvent(item).status().code(), absl::StatusCode::kDataLoss) << wrong;
  }
  EXPECT_EQ(aws::ReadJob({}).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace nanogrid
