// What the queue does beyond what every queue does.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "redis/redis_server.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using namespace std::chrono_literals;

class RedisQueueTest : public testing::Test {
 protected:
  std::string Send(const std::string& body, Duration delay = {}) {
    const auto ids = queue_->Send(Context{}, std::vector<Message>{{.body = body, .delay = delay}});
    EXPECT_TRUE(ids.ok()) << ids.status();
    return ids.ok() ? ids->front() : "";
  }
  std::vector<Delivery> Receive(size_t most, Duration lease, const Context& context = {}) {
    auto deliveries = queue_->Receive(context, {most, lease});
    EXPECT_TRUE(deliveries.ok()) << deliveries.status();
    return deliveries.ok() ? *std::move(deliveries) : std::vector<Delivery>();
  }
  Delivery ReceiveOne(Duration lease) {
    auto deliveries = Receive(1, lease);
    return deliveries.size() == 1 ? deliveries[0] : Delivery{};
  }
  bool Holds(const Receipt& receipt, Duration lease) {
    const auto lost = queue_->Extend(Context{}, std::vector{receipt}, lease);
    EXPECT_TRUE(lost.ok()) << lost.status();
    return lost.ok() && lost->empty();
  }
  QueueDepth Depth() {
    const auto depth = queue_->Depth(Context{});
    EXPECT_TRUE(depth.ok()) << depth.status();
    return depth.value_or(QueueDepth());
  }

  RedisServer& server_ = SharedRedisServer();
  std::unique_ptr<Queue> queue_ = OpenRedisQueue(server_.options()).value();
};

TEST_F(RedisQueueTest, LeasesOfAnyLengthLiveSideBySide) {
  for (const char* body : {"long", "short", "given", "prolonged"}) Send(body);
  std::map<std::string, Delivery> held;
  held["long"] = ReceiveOne(12h);
  held["short"] = ReceiveOne(1s);
  held["given"] = ReceiveOne(12h);
  held["prolonged"] = ReceiveOne(1s);
  for (const auto& [body, delivery] : held) EXPECT_EQ(delivery.body, body);
  EXPECT_TRUE(Holds(held["given"].receipt, 1500ms));   // shorter than it was
  EXPECT_TRUE(Holds(held["prolonged"].receipt, 12h));  // longer
  std::set<std::string> again;
  while (again.size() < 2) {
    for (const Delivery& delivery : Receive(10, 1h)) {
      EXPECT_EQ(delivery.receive_count, 2u);
      EXPECT_EQ(delivery.id, held[delivery.body].id);
      EXPECT_TRUE(again.insert(delivery.body).second);
    }
  }
  EXPECT_EQ(again, (std::set<std::string>{"short", "given"}));
  EXPECT_FALSE(Holds(held["short"].receipt, 1s));
  EXPECT_FALSE(Holds(held["given"].receipt, 1s));
  EXPECT_TRUE(Holds(held["long"].receipt, 12h));
  EXPECT_TRUE(Holds(held["prolonged"].receipt, 12h));
}

TEST_F(RedisQueueTest, TheDepthCountsByWhatKeepsMessagesBack) {
  Send("a");
  Send("b");
  Send("late", 15min);
  const Delivery delivery = ReceiveOne(1h);
  QueueDepth depth = Depth();
  EXPECT_EQ(depth.visible, 1u);
  EXPECT_EQ(depth.leased, 1u);
  EXPECT_EQ(depth.delayed, 1u);
  ASSERT_TRUE(queue_->Ack(Context{}, std::vector{delivery.receipt}).ok());
  depth = Depth();
  EXPECT_EQ(depth.visible, 1u);
  EXPECT_EQ(depth.leased, 0u);
  // Nothing of an acknowledged message is left.
  EXPECT_EQ(server_.Ask({"XLEN", "nanogrid:queue"}).Number(), 1);
}

// Messages are not given to who has stopped listening.
TEST_F(RedisQueueTest, AStopInTheMiddleOfAWaitLosesNothing) {
  std::set<std::string> got;
  for (int round = 0; round < 100; ++round) {
    std::stop_source stop;
    std::vector<Delivery> deliveries;
    std::jthread receiver(
        [&] { deliveries = Receive(1, 1h, Context::WithStop(stop.get_token())); });
    std::jthread stopper([&] { stop.request_stop(); });
    Send(std::to_string(round));
    stopper.join();
    receiver.join();
    if (deliveries.empty()) deliveries = Receive(1, 1h);
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_TRUE(got.insert(deliveries[0].body).second);
    EXPECT_EQ(deliveries[0].receive_count, 1u);
  }
  EXPECT_EQ(got.size(), 100u);
}

TEST_F(RedisQueueTest, AFullServerTakesAllOfABatchOrNothing) {
  server_.Ask({"CONFIG", "SET", "maxmemory", "1"});
  const std::vector<Message> batch(10, Message{.body = "x"});
  const Status now = queue_->Send(Context{}, batch).status();
  std::vector<Message> mixed = batch;
  mixed.back().delay = 1s;
  const Status later = queue_->Send(Context{}, mixed).status();
  server_.Ask({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(now.code(), Code::kResourceExhausted) << now;
  EXPECT_EQ(later.code(), Code::kResourceExhausted) << later;
  EXPECT_EQ(Depth().visible + Depth().delayed, 0u);
}

TEST_F(RedisQueueTest, ScriptsThatTheServerForgotAreBroughtAlong) {
  Send("late", 1ms);
  EXPECT_EQ(ReceiveOne(1h).body, "late");
  server_.Ask({"SCRIPT", "FLUSH"});
  Send("later", 1ms);
  const Delivery delivery = ReceiveOne(1h);
  EXPECT_EQ(delivery.body, "later");
  server_.Ask({"SCRIPT", "FLUSH"});
  EXPECT_TRUE(Holds(delivery.receipt, Duration(0)));
}

// A connection may be cut with a delivery on its way: the message is leased and nobody knows of it,
// so it comes again when the lease ends.
TEST_F(RedisQueueTest, ConnectionsThatAreCutAreMadeAnew) {
  constexpr int kMessages = 20;
  std::jthread receiver([&] {
    std::set<std::string> got;
    while (got.size() < kMessages) {
      const Delivery delivery = ReceiveOne(1s);
      ASSERT_FALSE(delivery.body.empty());
      got.insert(delivery.body);
      EXPECT_TRUE(queue_->Ack(Context{}, std::vector{delivery.receipt}).ok());
    }
  });
  for (int n = 0; n < kMessages; ++n) {
    server_.Ask({"CLIENT", "KILL", "TYPE", "normal"});
    Send(std::to_string(n));
  }
}

TEST_F(RedisQueueTest, AQueueThatWasDeletedIsMadeAnew) {
  std::jthread receiver([&] { EXPECT_EQ(ReceiveOne(1h).body, "b"); });
  server_.Ask({"FLUSHALL"});
  EXPECT_EQ(Depth().visible, 0u);
  Send("b");
}

TEST_F(RedisQueueTest, SomebodyElsesKeysAreLeftAlone) {
  server_.Ask({"SET", "mine:queue", "x"});
  RedisOptions options = server_.options();
  options.prefix = "mine";
  const Status status = OpenRedisQueue(options).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
  EXPECT_NE(status.message().find("prefix"), absl::string_view::npos);
}

TEST_F(RedisQueueTest, PrefixesKeepQueuesApart) {
  RedisOptions options = server_.options();
  options.prefix = "dead";
  const auto other = OpenRedisQueue(options).value();
  Send("a");
  EXPECT_EQ(other->Depth(Context{})->visible, 0u);
}

// However many wait, one of them looks after leases and delays; the others ask once a second.
TEST_F(RedisQueueTest, WhoWaitsAsksSeldom) {
  Send("leased");
  ReceiveOne(1h);
  constexpr int kReceivers = 8;
  std::vector<std::unique_ptr<Queue>> queues;  // as of so many machines
  for (int i = 0; i < kReceivers; ++i) {
    queues.push_back(OpenRedisQueue(server_.options()).value());
  }
  server_.Ask({"CONFIG", "RESETSTAT"});
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (const auto& queue : queues) {
      threads.emplace_back([&queue] {
        const auto none = queue->Receive(Context::WithTimeout(3s), {});
        EXPECT_TRUE(none.ok() && none->empty()) << none.status();
      });
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const std::string info = server_.Ask({"INFO", "stats"}).text;
  const auto at = info.find("total_commands_processed:");
  ASSERT_NE(at, std::string::npos);
  const int commands = std::atoi(info.c_str() + at + 25);
  // Two each per second, two for who is on duty, those inside of scripts, and a start.
  EXPECT_LT(commands, static_cast<int>((took.count() + 1) * (kReceivers * 10 + 20)));
}

}  // namespace
}  // namespace nanogrid
