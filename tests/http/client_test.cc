// The client against servers that answer what the test says, byte by byte.
#include "http/client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <thread>

#include "core/unique_fd.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;

// Listens on loopback; every connection is handled by a function, one after the other.
class ScriptedServer {
 public:
  using Script = std::function<void(int connection)>;

  explicit ScriptedServer(std::vector<Script> scripts)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    ::getsockname(listener_.get(), generic, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, scripts = std::move(scripts)] {
      for (const Script& script : scripts) {
        const UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
        if (!connection) return;
        script(connection.get());
      }
    });
  }
  ~ScriptedServer() { ::shutdown(listener_.get(), SHUT_RDWR); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  UniqueFd listener_;
  uint16_t port_ = 0;
  std::jthread thread_;
};

// Everything up to the end of the header.
std::string ReadHead(int connection) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(connection, &c, 1, 0) == 1) head += c;
  return head;
}
void Say(int connection, std::string_view text) {
  EXPECT_EQ(::send(connection, text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}
ScriptedServer::Script Answer(std::string text) {
  return [text = std::move(text)](int connection) {
    ReadHead(connection);
    Say(connection, text);
  };
}

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
    auto response = client->Send(Context{}, {});
    // Whether the end of the first connection was seen before the third request is a race.
    if (!response.ok()) response = client->Send(Context{}, {});
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
  EXPECT_EQ(MakeHttpClient({.server = "https://x"}).status().code(), Code::kUnimplemented);
  EXPECT_TRUE(MakeHttpClient({.server = "http://[::1]:80/prefix/"}).ok());
  EXPECT_EQ(MakeHttpClient({.server = "http://x", .token = "a\nb"}).status().code(),
            Code::kInvalidArgument);
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
