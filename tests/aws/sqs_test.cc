// The queue on moto: FIFO queues, depths, and how many calls a message takes.
#include <gmock/gmock.h>

#include <thread>

#include "aws/sqs_test_queue.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using std::chrono::seconds;

std::vector<Message> Numbered(int count, int from = 0) {
  std::vector<Message> messages;
  for (int i = from; i < from + count; ++i) messages.push_back({.body = std::to_string(i)});
  return messages;
}

TEST(Sqs, AFifoQueueDeliversInOrder) {
  const auto queue =
      OpenSqs(MotoUrl(), {.queue = NewSqsQueue(MotoUrl(), true), .wait = seconds(1)});
  ASSERT_TRUE(queue->Send(Context{}, Numbered(25)).ok());
  int next = 0;
  while (next < 25) {
    const auto deliveries = queue->Receive(Context{}, {7, seconds(30)});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    std::vector<Receipt> receipts;
    for (const Delivery& each : *deliveries) {
      EXPECT_EQ(each.body, std::to_string(next++));
      receipts.push_back(each.receipt);
    }
    ASSERT_TRUE(queue->Ack(Context{}, receipts).ok());
  }
  EXPECT_EQ(queue->Send(Context{}, std::vector<Message>{{.body = "a", .delay = seconds(1)}})
                .status()
                .code(),
            Code::kUnimplemented);
}

TEST(Sqs, CountsWhatWaitsWhatIsLeasedAndWhatIsDelayed) {
  const auto queue = OpenSqs(MotoUrl(), {.queue = NewSqsQueue(MotoUrl())});
  std::vector<Message> messages = Numbered(3);
  messages.push_back({.body = "late", .delay = std::chrono::minutes(5)});
  ASSERT_TRUE(queue->Send(Context{}, messages).ok());
  ASSERT_EQ(queue->Receive(Context{}, {1, seconds(30)})->size(), 1u);
  const auto depth = queue->Depth(Context{});
  ASSERT_TRUE(depth.ok()) << depth.status();
  EXPECT_EQ(depth->visible, 2u);
  EXPECT_EQ(depth->leased, 1u);
  EXPECT_EQ(depth->delayed, 1u);
}

// One receiver for many slots, each of which acknowledges by itself: as a worker under load.
TEST(Sqs, UnderLoadAMessageTakesATenthOfACallToSendToReceiveAndToDelete) {
  constexpr int kMessages = 500;
  constexpr size_t kTaken = 400;  // there are always more: the load does not end
  auto queue = OpenSqs(MotoUrl(), {.queue = NewSqsQueue(MotoUrl()), .ack_linger = seconds(5)});
  for (int from = 0; from < kMessages; from += 100) {
    ASSERT_TRUE(queue->Send(Context{}, Numbered(100, from)).ok());
  }
  EXPECT_EQ(queue->stats().sends, kMessages / 10u);
  std::mutex mutex;
  std::set<std::string> bodies;
  while (bodies.size() < kTaken) {
    const auto deliveries = queue->Receive(Context{}, {50, seconds(120)});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    std::vector<std::jthread> slots;
    for (size_t slot = 0; slot < 4; ++slot) {
      slots.emplace_back([&, slot] {
        for (size_t i = slot; i < deliveries->size(); i += 4) {
          EXPECT_TRUE(queue->Ack(Context{}, std::vector{(*deliveries)[i].receipt}).ok());
          const std::lock_guard lock(mutex);
          bodies.insert((*deliveries)[i].body);
        }
      });
    }
  }
  while (queue->stats().deleted < bodies.size()) std::this_thread::yield();
  const aws::SqsStats stats = queue->stats();
  const auto each = [](uint64_t calls, uint64_t messages) {
    return static_cast<double>(calls) / static_cast<double>(messages);
  };
  const double calls = each(stats.receives, stats.received) + each(stats.deletes, stats.deleted);
  EXPECT_LE(calls, 0.21) << stats.receives << " receives, " << stats.deletes << " deletes";
  RecordProperty("calls_per_message", std::to_string(calls));
}

TEST(Sqs, AWrongRegionHasNoSuchQueue) {
  const std::string name = NewSqsQueue(MotoUrl());
  const auto queue = OpenSqs(MotoUrl(), {.aws = {.region = "ap-south-1"}, .queue = name});
  const Status status = queue->Depth(Context{}).status();
  EXPECT_EQ(status.code(), Code::kNotFound) << status;
}

TEST(Sqs, IsOpenedByUri) {
  ::setenv("AWS_ACCESS_KEY_ID", "test", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "test", 1);
  Registry registry;
  ASSERT_TRUE(RegisterAws(registry).ok());
  const std::string name = NewSqsQueue(MotoUrl());
  const auto queue = registry.queues.Open("sqs:" + name + "?endpoint=" + MotoUrl());
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_TRUE((*queue)->Send(Context{}, std::vector<Message>{{.body = "a"}}).ok());
  const auto by_url = registry.queues.Open("sqs://sqs.us-east-1.amazonaws.com/123456789012/" +
                                           name + "?endpoint=" + MotoUrl());
  ASSERT_TRUE(by_url.ok()) << by_url.status();
  EXPECT_EQ((*by_url)->Receive(Context{}, {1, seconds(30)})->at(0).body, "a");
}

}  // namespace
}  // namespace nanogrid
