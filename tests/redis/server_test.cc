// Getting in, and what happens when the other side is not what it should be.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <thread>

#include "http/scripted_server.h"
#include "http/test_certificates.h"
#include "redis/redis_server.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;

Status Open(const RedisOptions& options) { return OpenRedisQueue(options).status(); }

RedisOptions PortOf(const ScriptedServer& server) {
  const Uri uri = Uri::Parse(server.url()).value();
  RedisOptions options;
  options.port = uri.port;
  options.timeout = std::chrono::milliseconds(500);
  return options;
}

TEST(RedisServerTest, APasswordOpensAndAWrongOneDoesNot) {
  RedisOptions right;
  right.password = "correct horse";
  const RedisServer server({"requirepass \"correct horse\""}, right);
  EXPECT_TRUE(Open(server.options()).ok());
  RedisOptions options = server.options();
  options.password = "wrong";
  const Status wrong = Open(options);
  EXPECT_EQ(wrong.code(), Code::kPermissionDenied);
  EXPECT_EQ(wrong.message().find("wrong"), absl::string_view::npos) << "a secret is shown";
  options.password.clear();
  EXPECT_EQ(Open(options).code(), Code::kPermissionDenied);
}

// The user that docs/adapters.md proposes.
TEST(RedisServerTest, AnAclUserNeedsNoMoreThanTheDocumentedRights) {
  const RedisServer server(
      {"user grid on >pw ~nanogrid:* &nanogrid:* +@all -@admin -@dangerous "
       "+client|unblock +info",
       "user stranger on >pw ~other:* &* +@all"});
  RedisOptions options = server.options();
  options.username = "grid";
  options.password = "pw";
  const auto queue = OpenRedisQueue(options);
  ASSERT_TRUE(queue.ok()) << queue.status();
  const std::vector<Message> messages = {{.body = "a"}, {.body = "b", .delay = Duration(1)}};
  ASSERT_TRUE((*queue)->Send(Context{}, messages).ok());
  size_t got = 0;
  while (got < 2) {
    const auto deliveries = (*queue)->Receive(Context{}, {.max_messages = 2});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    got += deliveries->size();
    for (const Delivery& delivery : *deliveries) {
      EXPECT_TRUE((*queue)->Extend(Context{}, std::vector{delivery.receipt}, Duration(0)).ok());
    }
  }
  EXPECT_TRUE((*queue)->Depth(Context{}).ok());
  const auto jobs = OpenRedisJobStore(options);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  Job job;
  job.id = "00000000-0000-4000-8000-000000000000";
  job.function = "f";
  job.version = 1;
  EXPECT_TRUE((*jobs)->Create(Context{}, job).ok());
  EXPECT_TRUE((*jobs)->Events(Context{}, "", "").ok());
  EXPECT_TRUE(CheckRedis(options).reachable);

  options.username = "stranger";
  EXPECT_EQ(Open(options).code(), Code::kPermissionDenied);
}

TEST(RedisServerTest, TlsIsVerified) {
  const TestCertificate authority = MakeTestAuthority(), other = MakeTestAuthority();
  const TestCertificate certificate({}, &authority);
  const TestFile ca(authority.CertificatePem()), other_ca(other.CertificatePem()),
      cert(certificate.CertificatePem()), key(certificate.KeyPem());
  RedisOptions options;
  options.tls = true;
  options.ca_file = ca.path();
  const RedisServer server({"tls-cert-file " + cert.path(), "tls-key-file " + key.path(),
                            "tls-ca-cert-file " + ca.path(), "tls-auth-clients no"},
                           options);
  const auto queue = OpenRedisQueue(server.options());
  ASSERT_TRUE(queue.ok()) << queue.status();
  const std::string body(Queue::kMaxBody, 'x');
  ASSERT_TRUE((*queue)->Send(Context{}, std::vector<Message>{{.body = body}}).ok());
  const auto deliveries = (*queue)->Receive(Context{}, {});
  ASSERT_TRUE(deliveries.ok() && deliveries->size() == 1) << deliveries.status();
  EXPECT_EQ((*deliveries)[0].body, body);

  options = server.options();
  options.ca_file = other_ca.path();
  EXPECT_EQ(Open(options).code(), Code::kFailedPrecondition);
  options.ca_file = cert.path() + ".missing";
  EXPECT_EQ(Open(options).code(), Code::kInvalidArgument);
  options.ca_file.clear();
  options.tls = false;
  EXPECT_FALSE(Open(options).ok());
}

TEST(RedisServerTest, AClusterAndAReplicaSayWhatToUseInstead) {
  const RedisServer cluster({"cluster-enabled yes"});
  const Status no_cluster = Open(cluster.options());
  EXPECT_EQ(no_cluster.code(), Code::kFailedPrecondition) << no_cluster;
  EXPECT_NE(no_cluster.message().find("cluster-enabled no"), absl::string_view::npos);

  const RedisServer replica({"replicaof 127.0.0.1 1"});
  const Status no_replica = Open(replica.options());
  EXPECT_EQ(no_replica.code(), Code::kUnavailable);
  EXPECT_NE(no_replica.message().find("primary"), absl::string_view::npos);
}

// What HELLO may be answered.
TEST(RedisServerTest, WhoIsNoRedisIsRefused) {
  const struct {
    std::string answer;
    Code code;
    std::string_view text;
  } cases[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", Code::kDataLoss, "protocol"},
      {"*6\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$4\r\nrole\r\n"
       "$8\r\nsentinel\r\n",
       Code::kFailedPrecondition, "Sentinel"},
      {"*6\r\n$7\r\nversion\r\n$5\r\n6.2.0\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n"
       "$6\r\nmaster\r\n",
       Code::kFailedPrecondition, "Redis 7"},
      {"-ERR unknown command `HELLO`\r\n", Code::kFailedPrecondition, "Redis 7"},
      {"-ERR max number of clients reached\r\n", Code::kResourceExhausted, "maxclients"},
      {":1\r\n", Code::kFailedPrecondition, "version"},
  };
  for (const auto& [answer, code, text] : cases) {
    const ScriptedServer server({[&answer = answer](int connection) {
      char byte = 0;
      ASSERT_EQ(::recv(connection, &byte, 1, 0), 1);
      Say(connection, answer);
      while (::recv(connection, &byte, 1, 0) == 1) continue;
    }});
    const Status status = Open(PortOf(server));
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(status.message().find({text.data(), text.size()}), absl::string_view::npos) << status;
  }
}

TEST(RedisServerTest, NobodyThereIsUnavailable) {
  RedisOptions options;
  {
    const RedisServer gone;
    options = gone.options();
  }
  options.timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(Open(options).code(), Code::kUnavailable);
  EXPECT_FALSE(CheckRedis(options).reachable);
}

TEST(RedisServerTest, AServerThatHangsIsUnavailableAndGoesOnLater) {
  RedisServer server;
  RedisOptions options = server.options();
  options.timeout = std::chrono::milliseconds(300);
  const auto queue = OpenRedisQueue(options).value();
  const std::vector<Message> messages = {{.body = "a"}};
  server.Signal(SIGSTOP);
  EXPECT_EQ(queue->Send(Context{}, messages).status().code(), Code::kUnavailable);
  EXPECT_EQ(
      queue->Send(Context::WithTimeout(std::chrono::milliseconds(50)), messages).status().code(),
      Code::kDeadlineExceeded);
  server.Signal(SIGCONT);
  Status sent = queue->Send(Context{}, messages).status();
  while (absl::IsUnavailable(sent)) sent = queue->Send(Context{}, messages).status();
  EXPECT_TRUE(sent.ok()) << sent;
  // What had been sent before it hung may have arrived; at least one has.
  const auto deliveries = queue->Receive(Context{}, {.max_messages = 10});
  ASSERT_TRUE(deliveries.ok()) << deliveries.status();
  EXPECT_GE(deliveries->size(), 1u);
}

TEST(RedisServerTest, WritesWaitForReplicasIfAsked) {
  const RedisServer primary({"repl-diskless-sync-delay 0"});
  RedisOptions options = primary.options();
  options.wait = 1;
  options.timeout = std::chrono::milliseconds(400);
  EXPECT_EQ(Open(options).code(), Code::kUnavailable);  // there is none
  const RedisServer replica({"replicaof 127.0.0.1 " + std::to_string(primary.port())});
  options.timeout = std::chrono::seconds(20);
  const auto queue = OpenRedisQueue(options);
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_TRUE((*queue)->Send(Context{}, std::vector<Message>{{.body = "a"}, {.body = "b"}}).ok());
}

bool Warns(const RedisServer& server, std::string_view of, uint32_t wait = 0) {
  RedisOptions options = server.options();
  options.wait = wait;
  const RedisReport report = CheckRedis(options);
  EXPECT_TRUE(report.reachable) << report.detail;
  for (const std::string& warning : report.warnings) {
    if (warning.find(of) != std::string::npos) return true;
  }
  return false;
}

TEST(RedisServerTest, WhatWouldLoseJobsIsWarnedOf) {
  const RedisServer good({"appendonly yes", "appendfsync always"});
  EXPECT_TRUE(CheckRedis(good.options()).warnings.empty());
  EXPECT_NE(CheckRedis(good.options()).detail.find("Redis 7"), std::string::npos);
  const RedisServer bad({"maxmemory 100mb", "maxmemory-policy allkeys-lru"});
  EXPECT_TRUE(Warns(bad, "appendonly yes"));
  EXPECT_TRUE(Warns(bad, "noeviction"));
  EXPECT_TRUE(Warns(bad, "wait 2", 2));
  bad.Ask({"CONFIG", "SET", "appendonly", "yes", "appendfsync", "no"});
  EXPECT_TRUE(Warns(bad, "appendfsync no"));
}

TEST(RedisUriTest, SaysWhatIsWrong) {
  const auto parse = [](const char* text) { return ParseRedisUri(Uri::Parse(text).value()); };
  const auto options = parse("rediss://cache.example:7000/3?prefix=p&wait=2&timeout=1s&ca=/ca.pem");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->host, "cache.example");
  EXPECT_EQ(options->port, 7000);
  EXPECT_EQ(options->database, 3u);
  EXPECT_EQ(options->prefix, "p");
  EXPECT_EQ(options->wait, 2u);
  EXPECT_EQ(options->timeout, std::chrono::seconds(1));
  EXPECT_TRUE(options->tls);
  EXPECT_EQ(options->ca_file, "/ca.pem");
  for (const char* wrong : {"redis:", "redis:///0", "redis://h/x", "redis://h/0/1",
                            "redis://h?wait=-1", "redis://h?pass=x", "redis://h?timeout=x"}) {
    EXPECT_EQ(parse(wrong).status().code(), Code::kInvalidArgument) << wrong;
  }
  Registry registry;
  ASSERT_TRUE(AddRedis(registry).ok());
  for (const char* wrong : {"redis://h?prefix=", "redis://h?prefix=a%20b", "redis://h?wait=99",
                            "redis://h?timeout=1h", "redis://h?ca=/x", "redis://h?max_events=1"}) {
    EXPECT_EQ(registry.queues.Open(wrong).status().code(), Code::kInvalidArgument) << wrong;
    EXPECT_EQ(registry.job_stores.Open(wrong).status().code(), Code::kInvalidArgument) << wrong;
  }
  const RedisServer server;
  const std::string uri = "redis://127.0.0.1:" + std::to_string(server.port());
  EXPECT_TRUE(registry.queues.Open(uri + "/1?prefix=a").ok());
  EXPECT_TRUE(registry.job_stores.Open(uri).ok());
  EXPECT_EQ(registry.queues.Open(uri + "/99").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nanogrid
