// The client against real TLS servers, good and bad ones.
#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/client_socket.h"
#include "http/pool.h"
#include "http/scripted_server.h"
#include "http/test_certificates.h"
#include "http/tls.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using std::chrono::milliseconds;
using SslScript = std::function<void(SSL*)>;

struct TlsServerOptions {
  int max_version = 0;                 // as OpenSSL has it; 0: any
  bool good_bye = true;                // close_notify at the end
  std::string* server_name = nullptr;  // what the client asked for
};

// Accepts TLS on a connection and goes on with `script`, unless the handshake fails.
ScriptedServer::Script Tls(const TestCertificate& certificate, const SslScript& script,
                           TlsServerOptions options = {}) {
  return [=](int connection) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate.certificate()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), certificate.key()), 1);
    SSL_CTX_set_min_proto_version(context.get(), 0);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_max_proto_version(context.get(), options.max_version);
    const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
    SSL_set_fd(session.get(), connection);
    if (SSL_accept(session.get()) == 1) {
      const char* const name = SSL_get_servername(session.get(), TLSEXT_NAMETYPE_host_name);
      if (options.server_name != nullptr) *options.server_name = name != nullptr ? name : "";
      script(session.get());
      if (options.good_bye) SSL_shutdown(session.get());
    }
    ERR_clear_error();
  };
}

std::string ReadTlsHead(SSL* session) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && SSL_read(session, &c, 1) == 1) head += c;
  return head;
}
void SayTls(SSL* session, std::string_view text) {
  EXPECT_EQ(SSL_write(session, text.data(), static_cast<int>(text.size())),
            static_cast<int>(text.size()));
}
// Answers `count` requests.
SslScript Answers(int count,
                  const std::string& text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK") {
  return [=](SSL* session) {
    for (int i = 0; i < count && !ReadTlsHead(session).empty(); ++i) SayTls(session, text);
  };
}

class TlsClient : public testing::Test {
 protected:
  Result<HttpResponse> Get(const std::string& url, const Context& context = {}) {
    auto client = MakeHttpClient({.server = url, .ca_file = ca_.path()});
    EXPECT_TRUE(client.ok()) << client.status();
    return (*client)->Send(context, {});
  }
  // The error of a server with this certificate.
  Status ErrorOf(const TestCertificate& certificate, const std::string& host = "127.0.0.1") {
    const ScriptedServer server({Tls(certificate, Answers(1))}, "https");
    return Get(server.url(host)).status();
  }

  const TestCertificate authority_ = MakeTestAuthority();
  const TestFile ca_{authority_.CertificatePem()};
  const TestCertificate good_{{}, &authority_};
};

TEST_F(TlsClient, TrustsWhatTheGivenAuthoritySigned) {
  std::string asked = "?";
  const ScriptedServer server({Tls(good_, Answers(1), {.server_name = &asked}),
                               Tls(good_, Answers(1), {.max_version = TLS1_2_VERSION})},
                              "https");
  const auto by_name = Get(server.url("localhost"));
  ASSERT_TRUE(by_name.ok()) << by_name.status();
  EXPECT_EQ(by_name->body, "OK");
  EXPECT_EQ(asked, "localhost");
  const auto by_address = Get(server.url("127.0.0.1"));
  ASSERT_TRUE(by_address.ok()) << by_address.status();
}

TEST_F(TlsClient, RefusesAnotherHostsCertificate) {
  const Status error =
      ErrorOf(TestCertificate({.names = "DNS:example.org"}, &authority_), "localhost");
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_THAT(error.message(), testing::HasSubstr("hostname mismatch"));
  EXPECT_TRUE(NothingSent(error));
  EXPECT_EQ(ErrorOf(TestCertificate({.names = "IP:127.0.0.2"}, &authority_)).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(ErrorOf(TestCertificate({.names = "DNS:127.0.0.1"}, &authority_)).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(ErrorOf(TestCertificate({.names = "DNS:local*"}, &authority_), "localhost").code(),
            Code::kFailedPrecondition);
}

TEST_F(TlsClient, RefusesCertificatesOutOfTheirTime) {
  const Status expired =
      ErrorOf(TestCertificate({.valid_from = -90, .valid_to = -60}, &authority_));
  EXPECT_EQ(expired.code(), Code::kFailedPrecondition);
  EXPECT_THAT(expired.message(), testing::HasSubstr("expired"));
  const Status early = ErrorOf(TestCertificate({.valid_from = 600}, &authority_));
  EXPECT_EQ(early.code(), Code::kFailedPrecondition);
  EXPECT_THAT(early.message(), testing::HasSubstr("not yet valid"));
}

TEST_F(TlsClient, RefusesWhomNobodyKnows) {
  const Status self_signed = ErrorOf(TestCertificate(CertificateOptions{}));
  EXPECT_EQ(self_signed.code(), Code::kFailedPrecondition);
  EXPECT_THAT(self_signed.message(), testing::HasSubstr("self-signed"));
  const TestCertificate stranger = MakeTestAuthority();
  EXPECT_EQ(ErrorOf(TestCertificate({}, &stranger)).code(), Code::kFailedPrecondition);
  // Not an authority, though it is trusted's own signature.
  EXPECT_EQ(ErrorOf(TestCertificate({}, &good_)).code(), Code::kFailedPrecondition);
}

TEST_F(TlsClient, TheSystemsStoreDoesNotKnowATestsAuthority) {
  const ScriptedServer server({Tls(good_, Answers(1))}, "https");
  const auto client = MakeHttpClient({.server = server.url()});
  ASSERT_TRUE(client.ok()) << client.status();
  const Status error = (*client)->Send(Context{}, {}).status();
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_THAT(error.message(), testing::HasSubstr("certificate authority"));
}

TEST_F(TlsClient, RefusesOldVersionsAndWhatIsNotTls) {
  const ScriptedServer server({Tls(good_, Answers(1), {.max_version = TLS1_1_VERSION}),
                               [](int connection) { Say(connection, "HTTP/1.1 400 Bad\r\n\r\n"); }},
                              "https");
  EXPECT_EQ(Get(server.url()).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Get(server.url()).status().code(), Code::kFailedPrecondition);
}

TEST_F(TlsClient, AServerThatHangsUpInTheHandshakeIsUnavailable) {
  const ScriptedServer server({[](int) {}}, "https");
  const Status error = Get(server.url()).status();
  EXPECT_EQ(error.code(), Code::kUnavailable) << error;
  EXPECT_TRUE(NothingSent(error));
}

TEST_F(TlsClient, TheContextEndsAHandshake) {
  std::stop_source stop;
  const auto silent = [](int connection) { ReadHead(connection); };
  const ScriptedServer server({silent, silent, silent}, "https");
  EXPECT_EQ(Get(server.url(), Context::WithTimeout(milliseconds(20))).status().code(),
            Code::kDeadlineExceeded);
  const auto impatient =
      MakeHttpClient({.server = server.url(), .connect_timeout = milliseconds(20)});
  EXPECT_EQ((*impatient)->Send(Context{}, {}).status().code(), Code::kUnavailable);
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(Get(server.url(), Context::WithStop(stop.get_token())).status().code(),
            Code::kCancelled);
}

TEST_F(TlsClient, ABodyThatIsCutOffIsNoBody) {
  const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end";
  const ScriptedServer server(
      {Tls(good_, Answers(1, answer)), Tls(good_, Answers(1, answer), {.good_bye = false})},
      "https");
  const auto whole = Get(server.url());
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->body, "to the end");
  EXPECT_EQ(Get(server.url()).status().code(), Code::kUnavailable);
}

TEST_F(TlsClient, LargeBodiesGoBothWays) {
  const std::string body(5'000'000, 'b');
  std::string got;
  const ScriptedServer server(
      {Tls(good_,
           [&](SSL* session) {
             ReadTlsHead(session);
             std::vector<char> buffer(1 << 16);
             while (got.size() < body.size()) {
               const int size = SSL_read(session, buffer.data(), static_cast<int>(buffer.size()));
               if (size <= 0) return;
               got.append(buffer.data(), static_cast<size_t>(size));
             }
             SayTls(session, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
             SayTls(session, got);
           })},
      "https");
  const auto client = MakeHttpClient({.server = server.url(), .ca_file = ca_.path()});
  const auto response = (*client)->Send(Context{}, {.method = "PUT", .body = body});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(got == body);
  EXPECT_TRUE(response->body == body);
}

TEST_F(TlsClient, ConnectionsAreUsedAgainAlthoughTheServerSendsTickets) {
  const ScriptedServer server({Tls(good_, Answers(3)), Tls(good_, Answers(2))}, "https");
  HttpPoolOptions options{.client = {.server = server.url(), .ca_file = ca_.path()}};
  const auto pool = HttpPool::Make(options);
  ASSERT_TRUE(pool.ok()) << pool.status();
  for (int i = 0; i < 5; ++i) {
    const auto response = (*pool)->Send(Context{}, {});
    ASSERT_TRUE(response.ok()) << response.status();
  }
  EXPECT_EQ((*pool)->stats().requests, 5u);
  EXPECT_EQ((*pool)->stats().connections, 2u);
}

TEST_F(TlsClient, AnAuthoritysFileThatHoldsNoneIsRefused) {
  const TestFile empty("");
  const TestFile words("no certificate");
  for (const std::string& path : {empty.path(), words.path(), std::string("/no/such/file")}) {
    const Status error = MakeHttpClient({.server = "https://x", .ca_file = path}).status();
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.message(), testing::HasSubstr(path));
    EXPECT_EQ(HttpPool::Make({.client = {.server = "https://x", .ca_file = path}}).status().code(),
              Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace nanogrid
