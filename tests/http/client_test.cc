// The client against servers that answer what the test says, byte by byte.
#include "http/client.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/un.h>

#include "http/scripted_server.h"
#include "nanogrid/storage.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;

std::unique_ptr<HttpClient> ClientOf(const ScriptedServer& server, HttpClientOptions options = {}) {
  options.server = server.url();
  auto client = MakeHttpClient(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

TEST(HttpClient, SendsWhatItIsGivenAndReadsTheAnswer) {
  std::string head;
  const ScriptedServer server({[&](int connection) {
    head = ReadHead(connection);
    Say(connection, "HTTP/1.1 201 Made\r\nContent-Length: 5\r\nA: b\r\n\r\nhello");
  }});
  const auto client = ClientOf(server, {.token = "secret"});
  const auto response = client->Send(
      Context{}, {.method = "POST", .target = "/x?y=1", .headers = {{"C", "d"}}, .body = "event"});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers.Get("a"), "b");
  EXPECT_EQ(response->body, "hello");
  EXPECT_TRUE(head.starts_with("POST /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:")) << head;
  EXPECT_NE(head.find("Authorization: Bearer secret\r\nC: d\r\nContent-Length: 5\r\n\r\n"),
            head.npos);
}

TEST(HttpClient, KeepsItsConnectionAndOpensAnotherWhenTheServerHasClosedIt) {
  const ScriptedServer server({[](int connection) {
                                 for (const char* const body : {"1", "2"}) {
                                   ReadHead(connection);
                                   Say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" +
                                                       std::string(body));
                                 }
                               },
                               Answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3")});
  const auto client = ClientOf(server);
  for (const char* const body : {"1", "2", "3"}) {
    const auto response = client->Send(Context{}, {});
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, body);
  }
}

TEST(HttpClient, ReadsPiecesTrailersAndWhatEndsWithTheConnection) {
  const ScriptedServer server(
      {Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "1\r\n\n\r\n3\r\nabc\r\n0\r\nNanoGrid-Status: SUCCESS\r\n\r\n"),
       Answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")});
  std::string body;
  int status = 0;
  auto client = ClientOf(server);
  const auto streamed =
      client->Stream(Context{}, {}, [&](const HttpResponse& head, std::string_view piece) {
        status = head.status;
        body += piece;
        return absl::OkStatus();
      });
  ASSERT_TRUE(streamed.ok()) << streamed.status();
  EXPECT_EQ(status, 200);
  EXPECT_EQ(body, "\nabc");
  EXPECT_EQ(streamed->trailers.Get("NanoGrid-Status"), "SUCCESS");
  client = ClientOf(server);
  const auto whole = client->Send(Context{}, {});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->body, "to the end");
}

TEST(HttpClient, AnAnswerMayComeInSingleBytes) {
  const ScriptedServer server({[](int connection) {
    ReadHead(connection);
    for (const char c :
         std::string_view("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) {
      Say(connection, {&c, 1});
    }
  }});
  const auto response = ClientOf(server)->Send(Context{}, {});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "");
}

TEST(HttpClient, AHeadIsAnsweredWithoutABodyAndContinueIsNoAnswer) {
  const ScriptedServer server(
      {Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
       Answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")});
  auto client = ClientOf(server);
  const auto head = client->Send(Context{}, {.method = "HEAD"});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->body, "");
  client = ClientOf(server);
  const auto none = client->Send(Context{}, {.method = "DELETE"});
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->status, 204);
}

TEST(HttpClient, WhatIsNoAnswerIsAnError) {
  const ScriptedServer server({Answer("SSH-2.0-x\r\n\r\n"), Answer(""),
                               Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")});
  for (const Code code : {Code::kInternal, Code::kUnavailable, Code::kUnavailable}) {
    const auto client = ClientOf(server);
    EXPECT_EQ(client->Send(Context{}, {}).status().code(), code);
  }
}

TEST(HttpClient, AnErrorOfWhoTakesTheBodyAndABodyThatIsTooLargeEndIt) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const ScriptedServer server({Answer(answer), Answer(answer)});
  const auto stopped = ClientOf(server)->Stream(
      Context{}, {},
      [](const HttpResponse&, std::string_view) { return absl::AbortedError("enough"); });
  EXPECT_EQ(stopped.status(), absl::AbortedError("enough"));
  const auto large = ClientOf(server, {.max_body = 4})->Send(Context{}, {});
  EXPECT_EQ(large.status().code(), Code::kResourceExhausted);
}

TEST(HttpClient, TheContextEndsAWaitForAnAnswer) {
  std::stop_source stop;
  const auto wait = [](int connection) {
    ReadHead(connection);
    ReadHead(connection);  // until the client closes
  };
  const ScriptedServer server({[&](int connection) {
                                 ReadHead(connection);
                                 stop.request_stop();
                                 ReadHead(connection);
                               },
                               wait, wait});
  EXPECT_EQ(ClientOf(server)->Send(Context::WithStop(stop.get_token()), {}).status().code(),
            Code::kCancelled);
  EXPECT_EQ(ClientOf(server)
                ->Send(Context::WithTimeout(std::chrono::milliseconds(20)), {})
                .status()
                .code(),
            Code::kDeadlineExceeded);
  EXPECT_EQ(ClientOf(server, {.silence_timeout = std::chrono::milliseconds(20)})
                ->Send(Context{}, {})
                .status()
                .code(),
            Code::kUnavailable);
}

TEST(HttpClient, AServerThatIsNotThereIsUnavailable) {
  std::string url;
  {
    const ScriptedServer gone({});
    url = gone.url();
  }
  const auto client = MakeHttpClient({.server = url});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->Send(Context{}, {}).status().code(), Code::kUnavailable);
}

TEST(HttpClient, AUrlThatCannotBeIsRefused) {
  for (const char* const url : {"", "localhost", "ftp://x", "http://", "http://a:0", "http://a:b",
                                "http://a:99999", "http://u@h", "http://h?x", "http://[::1"}) {
    EXPECT_EQ(MakeHttpClient({.server = url}).status().code(), Code::kInvalidArgument) << url;
  }
  EXPECT_TRUE(MakeHttpClient({.server = "https://x"}).ok());
  EXPECT_TRUE(MakeHttpClient({.server = "http://[::1]:80/prefix/"}).ok());
  EXPECT_EQ(MakeHttpClient({.server = "http://x", .token = "a\nb"}).status().code(),
            Code::kInvalidArgument);
}

TEST(HttpClient, ARequestThatWouldBreakTheLineIsRefused) {
  const auto client = MakeHttpClient({.server = "http://127.0.0.1:9"});
  ASSERT_TRUE(client.ok());
  for (const HttpRequest& request :
       {HttpRequest{.target = "/a b"}, HttpRequest{.target = "/\r\nX: y"},
        HttpRequest{.method = ""}, HttpRequest{.method = "GET /\r\n"},
        HttpRequest{.headers = {{"A", "b\nC: d"}}}, HttpRequest{.headers = {{"A:\n", "b"}}}}) {
    EXPECT_EQ((*client)->Send(Context{}, request).status().code(), Code::kInvalidArgument);
  }
}

// Ends the connection after one answer, without saying so.
ScriptedServer::Script AnswerOnce(const std::string& body) {
  return [body](int connection) {
    ReadHead(connection);
    Say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body);
    ReadHead(connection);  // the next request is lost
  };
}

TEST(HttpClient, ARequestThatAnIdleConnectionLostIsSentAgainIfItMayBe) {
  const ScriptedServer server({AnswerOnce("1"), AnswerOnce("2"), AnswerOnce("3"), AnswerOnce("4")});
  const auto client = ClientOf(server);
  const auto send = [&](const HttpRequest& request) { return client->Send(Context{}, request); };
  ASSERT_TRUE(send({}).ok());
  EXPECT_EQ(send({.method = "PUT", .body = "x"})->body, "2");
  EXPECT_EQ(send({.method = "POST", .repeatable = true})->body, "3");
  const auto lost = send({.method = "POST"});
  EXPECT_EQ(lost.status().code(), Code::kUnavailable);
  EXPECT_FALSE(NothingSent(lost.status()));
  EXPECT_EQ(send({})->body, "4");
  EXPECT_EQ(client->connections(), 4u);
}

TEST(HttpClient, ARequestIsNotRepeatedOnAFreshConnection) {
  const auto hang_up = [](int connection) { ReadHead(connection); };
  const ScriptedServer server({hang_up, AnswerOnce("x")});
  const auto client = ClientOf(server);
  EXPECT_EQ(client->Send(Context{}, {}).status().code(), Code::kUnavailable);
  EXPECT_EQ(client->connections(), 1u);
}

TEST(HttpClient, SaysWhenNothingWasSent) {
  std::string url;
  {
    const ScriptedServer gone({});
    url = gone.url();
  }
  const auto client = MakeHttpClient({.server = url});
  EXPECT_TRUE(NothingSent((*client)->Send(Context{}, {.method = "POST"}).status()));
  EXPECT_FALSE(NothingSent(absl::UnavailableError("of somebody else")));
}

struct CountingSource final : Source {
  explicit CountingSource(uint64_t bytes) : left(bytes) {}
  Result<size_t> Read(std::span<char> buffer) override {
    const size_t size = std::min<uint64_t>(left, buffer.size());
    std::fill_n(buffer.begin(), size, 'x');
    left -= size;
    largest = std::max(largest, buffer.size());
    return size;
  }
  uint64_t left;
  size_t largest = 0;
};

uint64_t Drain(int connection, uint64_t size) {
  std::vector<char> buffer(1 << 20);
  uint64_t got = 0;
  while (got < size) {
    const ssize_t some = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (some <= 0) break;
    got += static_cast<uint64_t>(some);
  }
  return got;
}

TEST(HttpClient, ABodyFromASourceGoesOutInPieces) {
  constexpr uint64_t kSize = 50'000'001;
  std::string head;
  uint64_t got = 0;
  const ScriptedServer server({[&](int connection) {
    head = ReadHead(connection);
    got = Drain(connection, kSize);
    Say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }});
  CountingSource source(kSize);
  const auto response =
      ClientOf(server)->Send(Context{}, {.method = "PUT", .source = &source, .source_size = kSize});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(head, testing::HasSubstr("Content-Length: 50000001\r\n"));
  EXPECT_EQ(got, kSize);
  EXPECT_EQ(source.left, 0u);
  EXPECT_LE(source.largest, 1u << 20);
}

TEST(HttpClient, ASourceThatEndsEarlyEndsTheRequest) {
  const ScriptedServer server({[](int connection) { Drain(connection, ~0ull); }});
  CountingSource source(10);
  const auto response =
      ClientOf(server)->Send(Context{}, {.method = "PUT", .source = &source, .source_size = 11});
  EXPECT_EQ(response.status().code(), Code::kInvalidArgument);
}

TEST(HttpClient, AnAnswerBeforeTheEndOfALargeBodyEndsTheSending) {
  const ScriptedServer server({[](int connection) {
                                 ReadHead(connection);
                                 Say(connection, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
                                 Drain(connection, ~0ull);
                               },
                               AnswerOnce("2")});
  constexpr uint64_t kEndless = 1ull << 40;
  CountingSource source(kEndless);
  const auto client = ClientOf(server);
  const auto response =
      client->Send(Context{}, {.method = "PUT", .source = &source, .source_size = kEndless});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(client->Send(Context{}, {})->body, "2");
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  std::string directory = testing::TempDir() + "client-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/socket";
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  std::jthread server([&] {
    const UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
    EXPECT_THAT(ReadHead(connection.get()), testing::HasSubstr("\r\nHost: engine\r\n"));
    Say(connection.get(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
  });
  const auto client = MakeHttpClient({.server = "http://engine", .socket = path});
  ASSERT_TRUE(client.ok()) << client.status();
  const Result<HttpResponse> response = (*client)->Send(Context{}, {.target = "/"});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "OK");
  server.join();
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST(HttpClient, NamesAUnixSocketThatIsNotThere) {
  const auto get = [](const std::string& path) {
    const auto client = MakeHttpClient({.server = "http://engine", .socket = path});
    return (*client)->Send(Context{}, {.target = "/"}).status();
  };
  const Status missing = get("/no/such/socket");
  EXPECT_EQ(missing.code(), Code::kUnavailable);
  EXPECT_THAT(std::string(missing.message()), testing::HasSubstr("/no/such/socket"));
  EXPECT_EQ(get(std::string(200, 'x')).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nanogrid
