// Connections that threads share, against a server that counts them.
#include "http/pool.h"

#include <gmock/gmock.h>

#include <atomic>
#include <latch>

#include "http/scripted_server.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using std::chrono::milliseconds;

const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

// Any number of connections at the same time, each with any number of requests.
class CountingServer {
 public:
  CountingServer()
      : server_(std::vector<ScriptedServer::Script>(100, [this](int connection) {
          ++connections;
          const std::lock_guard lock(mutex_);
          threads_.emplace_back([this, own = UniqueFd(::dup(connection))] {
            while (!ReadHead(own.get()).empty()) {
              const int now = ++busy;
              for (int seen = most_busy;
                   now > seen && !most_busy.compare_exchange_weak(seen, now);) {
              }
              if (before_answer) before_answer();
              --busy;
              Say(own.get(), kAnswer);
            }
          });
        })) {}
  std::string url() const { return server_.url(); }

  std::atomic<int> connections{0};
  std::atomic<int> busy{0};
  std::atomic<int> most_busy{0};
  std::function<void()> before_answer{};

 private:
  std::mutex mutex_{};
  std::vector<std::jthread> threads_{};
  ScriptedServer server_;
};

std::unique_ptr<HttpPool> PoolOf(const std::string& url, HttpPoolOptions options = {}) {
  options.client.server = url;
  auto pool = HttpPool::Make(std::move(options));
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

TEST(HttpPool, UsesAConnectionAgain) {
  CountingServer server;
  const auto pool = PoolOf(server.url());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pool->Send(Context{}, {}).ok());
  EXPECT_EQ(server.connections, 1);
  EXPECT_EQ(pool->stats().connections, 1u);
  EXPECT_EQ(pool->stats().requests, 20u);
  EXPECT_EQ(pool->stats().idle, 1u);
  EXPECT_EQ(pool->stats().busy, 0u);
}

TEST(HttpPool, NeverHasMoreConnectionsThanItMay) {
  CountingServer server;
  const auto pool = PoolOf(server.url(), {.max_connections = 3});
  std::latch three(3);  // of the eight, three do get as far at the same time
  std::atomic<int> first = 3;
  server.before_answer = [&] {
    if (first-- > 0) three.arrive_and_wait();
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 5; ++k) EXPECT_TRUE(pool->Send(Context{}, {}).ok());
      });
    }
  }
  EXPECT_EQ(server.most_busy, 3);
  EXPECT_EQ(server.connections, 3);
  EXPECT_EQ(pool->stats().connections, 3u);
  EXPECT_EQ(pool->stats().idle, 3u);
}

TEST(HttpPool, WhoWaitsForAConnectionIsEndedByTheContext) {
  std::latch arrived(1);
  std::latch go_on(1);
  CountingServer server;
  server.before_answer = [&] {
    arrived.count_down();
    go_on.wait();
  };
  const auto pool = PoolOf(server.url(), {.max_connections = 1});
  std::jthread holder([&] { EXPECT_TRUE(pool->Send(Context{}, {}).ok()); });
  arrived.wait();
  EXPECT_EQ(pool->Send(Context::WithTimeout(milliseconds(10)), {}).status().code(),
            Code::kDeadlineExceeded);
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(pool->Send(Context::WithStop(stop.get_token()), {}).status().code(), Code::kCancelled);
  go_on.count_down();
}

TEST(HttpPool, AServerThatClosesIdleConnectionsIsNotNoticed) {
  const ScriptedServer server(std::vector<ScriptedServer::Script>(5, Answer(kAnswer)));
  const auto pool = PoolOf(server.url());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool->Send(Context{}, {}).ok());
  EXPECT_EQ(pool->stats().connections, 5u);
}

TEST(HttpPool, WhatWasIdleForTooLongIsNotUsedAgain) {
  CountingServer server;
  const auto pool = PoolOf(server.url(), {.idle_timeout = Duration(-1)});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool->Send(Context{}, {}).ok());
  EXPECT_EQ(server.connections, 3);
  EXPECT_EQ(pool->stats().idle, 0u);
}

TEST(HttpPool, ABrokenExchangeLeavesNoConnection) {
  const ScriptedServer server({Answer("no HTTP\r\n\r\n"), Answer(kAnswer)});
  const auto pool = PoolOf(server.url());
  EXPECT_EQ(pool->Send(Context{}, {}).status().code(), Code::kInternal);
  EXPECT_EQ(pool->stats().idle, 0u);
  EXPECT_TRUE(pool->Send(Context{}, {}).ok());
}

TEST(HttpPool, PiecesComeAsTheyAreRead) {
  const ScriptedServer server({Answer(kAnswer)});
  std::string body;
  const auto keep = [&](const HttpResponse&, std::string_view piece) {
    body += piece;
    return absl::OkStatus();
  };
  ASSERT_TRUE(PoolOf(server.url())->Stream(Context{}, {}, keep).ok());
  EXPECT_EQ(body, "OK");
}

TEST(HttpPool, OptionsThatCannotBeAreRefused) {
  EXPECT_EQ(HttpPool::Make({.client = {.server = "x"}}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(
      HttpPool::Make({.client = {.server = "http://x"}, .max_connections = 0}).status().code(),
      Code::kInvalidArgument);
}

}  // namespace
}  // namespace nanogrid
