// What every Queue must do (queue.h). In one source file of a GoogleTest program, in namespace
// nanogrid:
//
//   #include "nanogrid/testing/queue_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, QueueConformance, testing::Values(
//       QueueAdapter{"mine", [](const Clock& clock) { return MakeMyEmptyQueue(clock); }}));
//
// `make` answers a new, empty queue that lives by `clock`; it is called once per test. The queue is
// used from several threads.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nanogrid/queue.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {

struct QueueAdapter {
  std::string name{};
  std::function<std::unique_ptr<Queue>(const Clock&)> make{};
  // The engine behind it has a clock of its own: tests take as long as the leases in them.
  bool real_time = false;
  // It may rarely deliver twice within a lease.
  bool rarely_twice = false;
};
inline void PrintTo(const QueueAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class QueueConformance : public testing::TestWithParam<QueueAdapter> {
 protected:
  using Code = absl::StatusCode;
  static constexpr Duration kLease = std::chrono::seconds(2);

  void SetUp() override {
    queue_ = GetParam().make(clock_);
    ASSERT_NE(queue_, nullptr);
  }

  // Time passes; in real time whoever waits next does so.
  void Elapse(Duration time) {
    if (!GetParam().real_time) clock_.Advance(time);
  }
  TimePoint Now() const { return GetParam().real_time ? Clock::System().Now() : clock_.Now(); }

  std::vector<std::string> Send(const std::vector<Message>& messages) {
    Result<std::vector<std::string>> ids = queue_->Send(Context{}, messages);
    EXPECT_TRUE(ids.ok()) << ids.status();
    return ids.ok() ? *ids : std::vector<std::string>{};
  }
  std::string Send(const std::string& body, Duration delay = {}) {
    const auto ids = Send({Message{.body = body, .delay = delay}});
    return ids.size() == 1 ? ids[0] : "";
  }
  // Waits for the next one.
  Delivery ReceiveOne(Duration lease = kLease) {
    Result<std::vector<Delivery>> deliveries = queue_->Receive(Context{}, {1, lease});
    EXPECT_TRUE(deliveries.ok()) << deliveries.status();
    EXPECT_TRUE(deliveries.ok() && deliveries->size() == 1);
    return deliveries.ok() && deliveries->size() == 1 ? (*deliveries)[0] : Delivery{};
  }
  // Whether a receiver gets nothing while it is given the chance. Passes by mistake rather than
  // failing by mistake.
  bool NothingArrives() {
    std::stop_source stop;
    const std::jthread timer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      stop.request_stop();
    });
    Result<std::vector<Delivery>> deliveries =
        queue_->Receive(Context::WithStop(stop.get_token()), {Queue::kMaxBatch, kLease});
    EXPECT_TRUE(deliveries.ok()) << deliveries.status();
    return deliveries.ok() && deliveries->empty();
  }
  void Ack(const Receipt& receipt) {
    const Status status = queue_->Ack(Context{}, std::vector{receipt});
    EXPECT_TRUE(status.ok()) << status;
  }
  std::vector<Receipt> Extend(const std::vector<Receipt>& receipts, Duration lease) {
    Result<std::vector<Receipt>> lost = queue_->Extend(Context{}, receipts, lease);
    EXPECT_TRUE(lost.ok()) << lost.status();
    return lost.ok() ? *lost : std::vector<Receipt>{};
  }
  Code SendCode(const std::vector<Message>& messages) {
    return queue_->Send(Context{}, messages).status().code();
  }
  Code ReceiveCode(const ReceiveOptions& options) {
    return queue_->Receive(Context{}, options).status().code();
  }

  FakeClock clock_;
  std::unique_ptr<Queue> queue_;
};

TEST_P(QueueConformance, DeliversWhatWasSent) {
  const std::string id = Send("{\"text\": \"äöü \\u0000\"}\n");
  const Delivery delivery = ReceiveOne();
  EXPECT_EQ(delivery.id, id);
  EXPECT_EQ(delivery.body, "{\"text\": \"äöü \\u0000\"}\n");
  EXPECT_EQ(delivery.receive_count, 1u);
  EXPECT_FALSE(delivery.receipt.empty());
  EXPECT_TRUE(GetParam().real_time || delivery.sent == clock_.WallNow());
}

TEST_P(QueueConformance, AnswersTheIdsOfABatchInItsOrder) {
  std::vector<Message> messages;
  for (size_t i = 0; i < Queue::kMaxBatch; ++i) messages.push_back({.body = std::to_string(i)});
  const std::vector<std::string> ids = Send(messages);
  ASSERT_EQ(ids.size(), messages.size());
  std::map<std::string, std::string> bodies;
  while (bodies.size() < ids.size()) {
    Result<std::vector<Delivery>> deliveries = queue_->Receive(Context{}, {7, kLease});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    ASSERT_LE(deliveries->size(), 7u);
    ASSERT_FALSE(deliveries->empty());
    for (const Delivery& delivery : *deliveries) bodies[delivery.id] = delivery.body;
  }
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(bodies[ids[i]], std::to_string(i));
}

TEST_P(QueueConformance, TakesBodiesUpToTheLimit) {
  const std::string body(Queue::kMaxBody, 'x');
  Send(body);
  EXPECT_EQ(ReceiveOne().body, body);
}

TEST_P(QueueConformance, AnswersWhatIsThereRatherThanWaitForMore) {
  Send("a");
  Result<std::vector<Delivery>> deliveries = queue_->Receive(Context{}, {10, kLease});
  ASSERT_TRUE(deliveries.ok()) << deliveries.status();
  EXPECT_EQ(deliveries->size(), 1u);
}

TEST_P(QueueConformance, ALeasedMessageIsNobodyElses) {
  Send("a");
  ReceiveOne(std::chrono::hours(1));
  EXPECT_TRUE(NothingArrives());
}

TEST_P(QueueConformance, AMessageIsDeliveredAgainWhenItsLeaseEnds) {
  Send("a");
  const Delivery first = ReceiveOne();
  Elapse(kLease);
  const Delivery second = ReceiveOne();
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.body, "a");
  EXPECT_EQ(second.receive_count, 2u);
  EXPECT_EQ(second.sent, first.sent);
  EXPECT_NE(second.receipt, first.receipt);
}

TEST_P(QueueConformance, AnAcknowledgedMessageIsNotDeliveredAgain) {
  Send("a");
  const Delivery delivery = ReceiveOne();
  Ack(delivery.receipt);
  Ack(delivery.receipt);  // again: ignored
  Elapse(kLease);
  Send("b");
  EXPECT_EQ(ReceiveOne(std::chrono::hours(1)).body, "b");
  EXPECT_TRUE(NothingArrives());
}

TEST_P(QueueConformance, AReceiptWhoseLeaseWasLostAcknowledgesNothing) {
  Send("a");
  const Delivery first = ReceiveOne();
  Elapse(kLease);
  const Delivery second = ReceiveOne();
  Ack(first.receipt);
  EXPECT_EQ(Extend({first.receipt, second.receipt}, kLease), std::vector{first.receipt});
  Elapse(kLease);
  EXPECT_EQ(ReceiveOne().receive_count, 3u);
}

TEST_P(QueueConformance, ForeignReceiptsAreIgnoredAndLost) {
  Send("a");
  const Delivery delivery = ReceiveOne(std::chrono::hours(1));
  for (const Receipt& receipt : {Receipt("1"), Receipt("99-1"), Receipt("nonsense"), Receipt()}) {
    Ack(receipt);
    EXPECT_EQ(Extend({receipt}, kLease), std::vector{receipt});
  }
  EXPECT_TRUE(Extend({delivery.receipt}, kLease).empty());
}

TEST_P(QueueConformance, AnExtendedLeaseEndsLater) {
  Send("a");
  const Delivery delivery = ReceiveOne();
  EXPECT_TRUE(Extend({delivery.receipt}, std::chrono::hours(1)).empty());
  Elapse(std::chrono::minutes(59));
  EXPECT_TRUE(NothingArrives());
  EXPECT_TRUE(Extend({delivery.receipt}, std::chrono::seconds(1)).empty());  // or sooner
  Elapse(std::chrono::seconds(1));
  EXPECT_EQ(ReceiveOne().receive_count, 2u);
}

TEST_P(QueueConformance, AMessageIsGivenBackAtOnce) {
  Send("a");
  const Delivery delivery = ReceiveOne(std::chrono::hours(1));
  EXPECT_TRUE(Extend({delivery.receipt}, Duration(0)).empty());
  const Delivery again = ReceiveOne(std::chrono::hours(1));
  EXPECT_EQ(again.id, delivery.id);
  Ack(delivery.receipt);
  EXPECT_EQ(Extend({delivery.receipt}, kLease), std::vector{delivery.receipt});
  EXPECT_TRUE(Extend({again.receipt}, kLease).empty());
}

TEST_P(QueueConformance, ADelayedMessageWaitsForItsTime) {
  Send("late", std::chrono::seconds(3));
  Send("early");
  EXPECT_EQ(ReceiveOne(std::chrono::hours(1)).body, "early");
  EXPECT_TRUE(NothingArrives());
  Elapse(std::chrono::seconds(3));
  const Delivery delivery = ReceiveOne();
  EXPECT_EQ(delivery.body, "late");
  EXPECT_EQ(delivery.receive_count, 1u);
}

TEST_P(QueueConformance, ASendWakesWhoWaits) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> waiting = false;
    std::jthread receiver([&] {
      waiting = true;
      waiting.notify_all();
      Ack(ReceiveOne().receipt);
    });
    waiting.wait(false);
    Send("a");
  }
}

TEST_P(QueueConformance, AMessageGivenBackWakesWhoWaits) {
  Send("a");
  const Delivery delivery = ReceiveOne(std::chrono::hours(1));
  std::jthread receiver([&] { EXPECT_EQ(ReceiveOne().id, delivery.id); });
  EXPECT_TRUE(Extend({delivery.receipt}, Duration(0)).empty());
}

TEST_P(QueueConformance, TheEndOfALeaseWakesWhoWaits) {
  Send("a");
  ReceiveOne();
  std::jthread receiver([&] { EXPECT_EQ(ReceiveOne().receive_count, 2u); });
  Elapse(kLease);
}

TEST_P(QueueConformance, AStopEndsTheWaitWithNothing) {
  std::stop_source stop;
  std::jthread receiver([&] {
    const auto deliveries = queue_->Receive(Context::WithStop(stop.get_token()), {});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    EXPECT_TRUE(deliveries->empty());
  });
  stop.request_stop();
}

TEST_P(QueueConformance, ADeadlineEndsTheWaitWithNothing) {
  Context context;
  context.deadline = Now() + std::chrono::milliseconds(50);
  std::jthread receiver([&] {
    const auto deliveries = queue_->Receive(context, {});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    EXPECT_TRUE(deliveries->empty());
  });
  Elapse(std::chrono::milliseconds(50));
}

TEST_P(QueueConformance, AnEndedContextEndsTheCall) {
  Send("a");
  std::stop_source stop;
  stop.request_stop();
  const Context context = Context::WithStop(stop.get_token());
  const std::vector<Receipt> receipts = {"r"};
  EXPECT_EQ(queue_->Send(context, std::vector<Message>{{.body = "b"}}).status().code(),
            Code::kCancelled);
  EXPECT_EQ(queue_->Ack(context, receipts).code(), Code::kCancelled);
  EXPECT_EQ(queue_->Extend(context, receipts, kLease).status().code(), Code::kCancelled);
  EXPECT_EQ(queue_->Depth(context).status().code(), Code::kCancelled);
  const auto deliveries = queue_->Receive(context, {});
  EXPECT_TRUE(deliveries.ok() && deliveries->empty());
  EXPECT_EQ(ReceiveOne(std::chrono::hours(1)).receive_count, 1u);
  EXPECT_TRUE(NothingArrives());
}

TEST_P(QueueConformance, RefusesWhatIsOutOfBounds) {
  const Message good{.body = "good"};
  EXPECT_EQ(SendCode({}), Code::kInvalidArgument);
  EXPECT_EQ(SendCode(std::vector<Message>(Queue::kMaxBatch + 1, good)), Code::kInvalidArgument);
  const Message bad[] = {{.body = ""},
                         {.body = std::string(Queue::kMaxBody + 1, 'x')},
                         {.body = "\xff"},
                         {.body = "x", .delay = Duration(-1)},
                         {.body = "x", .delay = Queue::kMaxDelay + std::chrono::seconds(1)}};
  for (const Message& message : bad) {
    EXPECT_EQ(SendCode({good, message}), Code::kInvalidArgument) << message.body.substr(0, 10);
  }
  const ReceiveOptions wrong[] = {{.max_messages = 0},
                                  {.max_messages = Queue::kMaxBatch + 1},
                                  {.lease = std::chrono::milliseconds(999)},
                                  {.lease = std::chrono::hours(13)}};
  for (const ReceiveOptions& options : wrong) {
    EXPECT_EQ(ReceiveCode(options), Code::kInvalidArgument) << options.max_messages;
  }
  const std::vector<Receipt> receipts = {"r"};
  for (const Duration lease : {Duration(-1), Duration(std::chrono::hours(13))}) {
    EXPECT_EQ(queue_->Extend(Context{}, receipts, lease).status().code(), Code::kInvalidArgument);
  }
  EXPECT_EQ(queue_->Ack(Context{}, {}).code(), Code::kInvalidArgument);
  EXPECT_TRUE(NothingArrives());  // of a refused batch nothing was sent
}

TEST_P(QueueConformance, CountsByWhatKeepsThemBack) {
  if (GetParam().real_time) GTEST_SKIP() << "depths may lag behind";
  const auto expect = [&](uint64_t visible, uint64_t leased, uint64_t delayed) {
    Result<QueueDepth> depth = queue_->Depth(Context{});
    ASSERT_TRUE(depth.ok()) << depth.status();
    EXPECT_EQ(depth->visible, visible);
    EXPECT_EQ(depth->leased, leased);
    EXPECT_EQ(depth->delayed, delayed);
  };
  expect(0, 0, 0);
  Send({{.body = "a"}, {.body = "b"}, {.body = "c", .delay = std::chrono::seconds(5)}});
  expect(2, 0, 1);
  const Delivery delivery = ReceiveOne();
  expect(1, 1, 1);
  Elapse(kLease);
  expect(2, 0, 1);
  Elapse(std::chrono::seconds(3));
  expect(3, 0, 0);
  Ack(delivery.receipt);  // lost
  expect(3, 0, 0);
  for (int i = 0; i < 3; ++i) Ack(ReceiveOne().receipt);
  expect(0, 0, 0);
}

// Many send, many receive; some give back at first. Nothing is lost, nothing is had by two at once.
TEST_P(QueueConformance, ManyAtOnceLoseNothingAndShareNothing) {
  constexpr int kSenders = 3, kBatches = 20, kBatch = 10;
  std::mutex mutex;
  std::set<std::string> sent, done;
  std::set<std::pair<std::string, uint32_t>> had;
  std::stop_source stop;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        const Context context = Context::WithStop(stop.get_token());
        while (!stop.stop_requested()) {
          const auto deliveries = queue_->Receive(context, {5, std::chrono::minutes(5)});
          ASSERT_TRUE(deliveries.ok()) << deliveries.status();
          for (const Delivery& delivery : *deliveries) {
            const bool give_back = delivery.receive_count == 1 && delivery.body == "7";
            {
              // Once given back and once more: who has it twice otherwise shares it.
              const std::lock_guard lock(mutex);
              const bool first = had.insert({delivery.id, delivery.receive_count}).second;
              const bool expected = delivery.receive_count == 1u ||
                                    (delivery.receive_count == 2u && delivery.body == "7");
              EXPECT_TRUE(GetParam().rarely_twice || (first && expected)) << delivery.id;
            }
            if (give_back) {
              const bool ours = Extend({delivery.receipt}, Duration(0)).empty();
              EXPECT_TRUE(GetParam().rarely_twice || ours);  // nobody else has it
              continue;
            }
            Ack(delivery.receipt);
            const std::lock_guard lock(mutex);
            done.insert(delivery.id);
            if (done.size() == kSenders * kBatches * kBatch) stop.request_stop();
          }
        }
      });
    }
    for (int thread = 0; thread < kSenders; ++thread) {
      threads.emplace_back([&] {
        for (int batch = 0; batch < kBatches; ++batch) {
          std::vector<Message> messages;
          for (int i = 0; i < kBatch; ++i) messages.push_back({.body = std::to_string(i)});
          const std::vector<std::string> ids = Send(messages);
          const std::lock_guard lock(mutex);
          sent.insert(ids.begin(), ids.end());
        }
      });
    }
  }
  EXPECT_EQ(sent.size(), static_cast<size_t>(kSenders * kBatches * kBatch));
  EXPECT_EQ(done, sent);
}

}  // namespace nanogrid
