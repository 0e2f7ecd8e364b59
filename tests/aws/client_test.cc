// Calls against a service that answers what the test says: retries, clocks, credentials.
#include "aws/client.h"

#include <gmock/gmock.h>

#include "aws/fake_service.h"
#include "aws/session.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;
using testing::HasSubstr;

// Answers that are given one after the other; the last one again and again.
FakeService::Answer Answers(std::vector<HttpResponse> responses) {
  return [responses = std::move(responses), next = size_t(0)](const HttpRequest&) mutable {
    const HttpResponse& response = responses[std::min(next, responses.size() - 1)];
    ++next;
    return response;
  };
}

HttpResponse Error(int status, const std::string& code, HttpHeaders headers = {}) {
  return {.status = status,
          .headers = std::move(headers),
          .body = R"({"__type":")" + code + R"(","message":"m"})"};
}

// Credentials 1, 2, …: the next ones once they are rejected.
class CountingCredentials final : public CredentialsSource {
 public:
  Result<Credentials> Get(const Context&) override {
    return Credentials{.access_key_id = std::to_string(number_), .secret_access_key = "key"};
  }
  void Reject(const Credentials&) override { ++number_; }

 private:
  std::atomic<int> number_ = 1;
};

struct Caller {
  explicit Caller(FakeService::Answer answer, const Clock& clock = Clock::System())
      : service(std::move(answer)) {
    session = *Session::Open(
        {}, [](const char*) { return std::nullopt; }, clock);
    client = *Client::Make(Context{}, *session, kSqs,
                           {.region = "eu-west-1",
                            .endpoint = service.url() + "/base",
                            .credentials = std::make_shared<CountingCredentials>()});
  }
  Result<std::string> Call(const SendOptions& options = {}, const Context& context = {}) const {
    return client->Json(context, "SendMessage", "{}", options);
  }

  FakeService service;
  std::shared_ptr<Session> session;
  std::unique_ptr<Client> client;
};

TEST(AwsClient, SendsSignedJson) {
  const Caller caller(Answers({{.body = "{\"a\":1}"}}));
  const auto answer = caller.Call();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "{\"a\":1}");
  const HttpRequest request = caller.service.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/base/");
  EXPECT_EQ(request.headers.Get("X-Amz-Target"), "AmazonSQS.SendMessage");
  EXPECT_EQ(request.headers.Get("Content-Type"), "application/x-amz-json-1.0");
  EXPECT_THAT(std::string(request.headers.Get("Authorization")),
              HasSubstr("/eu-west-1/sqs/aws4_request, "
                        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "));
}

TEST(AwsClient, RepeatsWhatFailedByTroubleOrThrottling) {
  const Caller caller(
      Answers({Error(500, "InternalFailure"), Error(400, "ThrottlingException"), {.body = "{}"}}));
  EXPECT_TRUE(caller.Call().ok());
  const ClientStats stats = caller.client->stats();
  EXPECT_EQ(stats.calls, 1u);
  EXPECT_EQ(stats.requests, 3u);
  EXPECT_EQ(stats.throttled, 1u);
}

TEST(AwsClient, GivesUpAfterThreeAttemptsAndSaysWhy) {
  const Caller caller(Answers({Error(503, "ServiceUnavailable")}));
  const Status status = caller.Call().status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), "sqs SendMessage: ServiceUnavailable: m (HTTP 503)");
  EXPECT_EQ(caller.service.requests().size(), 3u);
  const Caller throttled(Answers({Error(400, "RequestThrottled")}));
  EXPECT_EQ(throttled.Call().status().code(), Code::kResourceExhausted);
}

TEST(AwsClient, DoesNotRepeatWhatWasRefusedOrMayHaveBeenDone) {
  const Caller refused(Answers({Error(400, "QueueDoesNotExist")}));
  EXPECT_EQ(refused.Call().status().code(), Code::kNotFound);
  EXPECT_EQ(refused.service.requests().size(), 1u);
  const Caller trouble(Answers({Error(500, "InternalFailure")}));
  EXPECT_EQ(trouble.Call({.repeatable = false}).status().code(), Code::kUnavailable);
  EXPECT_EQ(trouble.service.requests().size(), 1u);
  // Who was throttled was not served.
  const Caller fast(Answers({Error(400, "Throttling"), {.body = "{}"}}));
  EXPECT_TRUE(fast.Call({.repeatable = false}).ok());
}

TEST(AwsClient, SaysWhereNobodyListens) {
  auto caller = std::make_unique<Caller>(Answers({{}}));
  const auto session = caller->session;
  const std::string url = caller->service.url();
  caller.reset();
  const auto client =
      Client::Make(Context{}, *session, kSqs, {.region = "r", .endpoint = url, .anonymous = true});
  const Status status = (*client)->Json(Context{}, "SendMessage", "{}").status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sqs SendMessage: "));
  EXPECT_EQ((*client)->stats().requests, 3u);
}

TEST(AwsClient, FetchesNewCredentialsWhenTheOldOnesHaveExpired) {
  const Caller caller([](const HttpRequest& request) -> HttpResponse {
    if (request.headers.Get("Authorization").find("Credential=1/") != std::string_view::npos) {
      return Error(400, "ExpiredTokenException");
    }
    return {.body = "{}"};
  });
  EXPECT_TRUE(caller.Call().ok());
  EXPECT_EQ(caller.service.requests().size(), 2u);
}

// The fake service is a real server as to its Date header.
TEST(AwsClient, SignsWithTheServicesTimeWhereItsOwnIsWrong) {
  const FakeClock clock;  // in 2030
  const auto answer = [](const HttpRequest& request) -> HttpResponse {
    if (request.headers.Get("X-Amz-Date").starts_with("2030")) {
      return Error(403, "SignatureDoesNotMatch");
    }
    return {.body = "{}"};
  };
  const Caller caller(answer, clock);
  EXPECT_TRUE(caller.Call().ok());
  EXPECT_TRUE(caller.Call().ok());
  EXPECT_EQ(caller.service.requests().size(), 3u) << "the difference is remembered";
}

TEST(AwsClient, AWrongSignatureAtTheRightTimeIsFinal) {
  const Caller caller(Answers({Error(403, "SignatureDoesNotMatch")}));
  EXPECT_EQ(caller.Call().status().code(), Code::kPermissionDenied);
  EXPECT_EQ(caller.service.requests().size(), 1u);
  const Caller old(Answers({Error(403, "RequestTimeTooSkewed")}));
  EXPECT_EQ(old.Call().status().code(), Code::kPermissionDenied);
  EXPECT_EQ(old.service.requests().size(), 1u);
}

TEST(AwsClient, NoRetryOutlivesTheContext) {
  const Caller caller(Answers({Error(400, "Throttling")}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(caller.Call({}, Context::WithStop(stop.get_token())).status().code(), Code::kCancelled);
  EXPECT_EQ(caller.service.requests().size(), 0u);
  Context past;
  past.deadline = TimePoint();
  EXPECT_EQ(caller.Call({}, past).status().code(), Code::kDeadlineExceeded);
}

TEST(AwsClient, StreamsSuccessesOnly) {
  const Caller caller(Answers({Error(500, "InternalError"), {.body = "content"}}));
  std::string body;
  const auto response =
      caller.client->Stream(Context{}, "Get", {.target = "/x?y=z"}, {},
                            [&body](const HttpResponse& head, std::string_view piece) {
                              EXPECT_EQ(head.status, 200);
                              body += piece;
                              return absl::OkStatus();
                            });
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(body, "content");
  EXPECT_EQ(caller.service.requests().at(1).target, "/base/x?y=z");
}

TEST(AwsClient, AsksByTheQueryProtocol) {
  const FakeService service(Answers({{.body = "<R><A>1</A></R>"}}));
  const auto session = *Session::Open({}, [](const char*) { return std::nullopt; });
  const auto client = *Client::Make(Context{}, *session, kAutoScaling,
                                    {.region = "r", .endpoint = service.url(), .anonymous = true});
  const auto root = client->Query(Context{}, "Describe", {{"Names.member.1", "a b"}});
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(root->Text("A"), "1");
  EXPECT_EQ(service.requests().at(0).body,
            "Action=Describe&Version=2011-01-01&Names.member.1=a%20b");
}

}  // namespace
}  // namespace nanogrid::aws
