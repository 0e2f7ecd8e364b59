// The API without sockets: who may ask, what is routed, how code is read, what answers say.
#include "api/api.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <condition_variable>
#include <mutex>

#include "api/answers.h"
#include "api/fake_service.h"
#include "api/function_code.h"
#include "api/query.h"
#include "engine/status_matchers.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Keeps what it is sent, for one thread that waits for it.
class KeptAnswer final : public HttpResponder {
 public:
  // Called when a stream begins.
  explicit KeptAnswer(Callback on_begin = nullptr) : on_begin_(std::move(on_begin)) {}

  void Send(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    ended_ = true;
    changed_.notify_all();
  }
  void Begin(HttpResponse head, std::string) override {
    if (on_begin_) on_begin_();
    const std::lock_guard lock(mutex_);
    response_ = std::move(head);
  }
  void Write(std::string bytes, Callback sent) override {
    {
      const std::lock_guard lock(mutex_);
      response_.body += bytes;
    }
    if (sent) sent();
  }
  void End() override {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  void AllowLateHead(HttpResponse, std::string) override {}
  void OnEnd(Callback ended) override {
    const std::lock_guard lock(mutex_);
    on_end_ = std::move(ended);
  }

  HttpResponse Await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
    const Callback ended = std::exchange(on_end_, nullptr);
    lock.unlock();
    if (ended) ended();
    return response_;
  }

 private:
  const Callback on_begin_;
  std::mutex mutex_;
  std::condition_variable changed_;
  HttpResponse response_;
  bool ended_ = false;
  Callback on_end_;
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() { service_.Deploy(); }

  HttpResponse Ask(HttpRequest request, HttpResponder::Callback on_begin = nullptr) {
    request.headers.Add("Host", "localhost");
    HttpAdmission admission = api_.Admit(request);
    if (admission.refusal) return *std::move(admission.refusal);
    const auto answer = std::make_shared<KeptAnswer>(std::move(on_begin));
    api_.Handle(std::move(request), nullptr, answer);
    return answer->Await();
  }

  FakeService service_{1};
  const HttpServerOptions options_{.spool_dir = ::testing::TempDir()};
  Api api_{service_.controller(), options_};
};

TEST_F(ApiTest, AResultIsAnsweredWithItsJob) {
  const HttpResponse response =
      Ask({.method = "POST", .target = "/v1/functions/echo/invoke", .body = "[1]"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "[1]");
  EXPECT_EQ(response.headers.Get("NanoGrid-Status"), "SUCCESS");
  const std::string id(response.headers.Get("NanoGrid-Job-Id"));
  EXPECT_EQ(Ask({.target = "/v1/jobs/" + id + "/result"}).body, "[1]");
  const HttpResponse events = Ask({.target = "/v1/jobs/" + id + "/events"});
  EXPECT_THAT(events.body, HasSubstr("\"PENDING\""));
  EXPECT_THAT(events.body, HasSubstr("\"SUCCESS\""));
}

TEST_F(ApiTest, AFailureSaysHowTheFunctionEnded) {
  const HttpResponse response =
      Ask({.method = "POST", .target = "/v1/functions/echo/invoke", .body = R"({"fail": "no"})"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("NanoGrid-Status"), "FAILED");
  EXPECT_EQ(response.headers.Get("NanoGrid-Error"), "exception");
  EXPECT_THAT(response.body, HasSubstr(R"("message":"no")"));
}

TEST_F(ApiTest, ALogIsFollowedToItsEnd) {
  const HttpResponse response = Ask(
      {.method = "POST", .target = "/v1/functions/echo/invoke", .body = R"({"print": "hello\n"})"});
  const std::string id(response.headers.Get("NanoGrid-Job-Id"));
  EXPECT_EQ(Ask({.target = "/v1/jobs/" + id + "/logs?follow=true"}).body, "hello\n");
  EXPECT_EQ(Ask({.target = "/v1/jobs/" + id + "/logs?offset=1&limit=3"}).body, "ell");
}

TEST_F(ApiTest, WhatHappensWhileAStreamIsOpenedIsStreamed) {
  Controller& controller = service_.controller();
  const Result<Job> job =
      controller.Submit(Context(), {.function = "echo", .event = R"({"wait_ms": 600000})"});
  ASSERT_TRUE(job.ok()) << job.status();
  const HttpResponse events = Ask({.target = "/v1/jobs/" + job->id + "/events"}, [&] {
    // Whoever subscribes to all jobs is told last.
    Event told;
    const auto subscription = controller.Subscribe("", [&](const JobEvent& event) {
      if (event.state == JobState::kCancelled) told.Set();
    });
    EXPECT_TRUE(controller.Cancel(Context(), job->id).ok());
    told.Wait();
  });
  EXPECT_THAT(events.body, HasSubstr("\"CANCELLED\""));
}

TEST_F(ApiTest, WhatIsNotRoutedIsRefusedBeforeTheBodyIsRead) {
  EXPECT_EQ(Ask({.target = "/v1/nothing"}).status, 404);
  const HttpResponse wrong = Ask({.method = "PATCH", .target = "/v1/jobs/x"});
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.Get("Allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(Ask({.method = "PUT", .target = "/v1/functions/f"}).status, 415);
}

TEST_F(ApiTest, MetricsAreWellFormed) {
  Ask({.target = "/v1/jobs"});
  api_.Observe(static_cast<int>(Route::kListJobs), "GET", 200, std::chrono::milliseconds(3));
  api_.Observe(-1, "NONSENSE\"\n", 400, std::chrono::seconds(100));
  const std::string text = Ask({.target = "/metrics"}).body;
  EXPECT_THAT(text, HasSubstr("\nnanogrid_http_requests_total{method=\"GET\",route=\"/v1/jobs\","
                              "status=\"200\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{method=\"other\",route=\"none\",status=\"400\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"/v1/jobs\",le=\"0.0025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"/v1/jobs\",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{route=\"none\",le=\"+Inf\"} 1\n"));
}

HttpRequest With(HttpHeaders headers) { return {.headers = std::move(headers)}; }

int CheckedStatus(const Access& access, HttpHeaders headers, const std::string& authority = "") {
  const auto refusal = access.Check(With(std::move(headers)), authority);
  return refusal ? refusal->status : 200;
}

TEST(Access, WithTokensOneOfThemIsNeeded) {
  const Access access({"first-token-12345", "second-token-1234"});
  EXPECT_EQ(CheckedStatus(access, {{"Authorization", "Bearer second-token-1234"}}), 200);
  EXPECT_EQ(CheckedStatus(access, {{"authorization", "bearer first-token-12345"}}), 200);
  for (const char* const wrong : {"", "Bearer ", "Bearer first-token-1234", "Basic Zmlyc3Q6eA==",
                                  "first-token-12345", "Bearer first-token-12345 "}) {
    EXPECT_EQ(CheckedStatus(access, {{"Authorization", wrong}}), 401) << wrong;
  }
  const auto refusal = access.Check({}, "");
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->headers.Get("WWW-Authenticate"), HasSubstr("Bearer"));
}

TEST(Access, WithoutTokensWebPagesAreRefused) {
  const Access access({});
  for (const char* const host :
       {"localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(CheckedStatus(access, {{"Host", host}}), 200) << host;
  }
  for (const char* const host : {"evil.example", "localhost.evil.example", "127.0.0.1.nip.io",
                                 "192.168.0.1:8080", "127.evil"}) {
    EXPECT_EQ(CheckedStatus(access, {{"Host", host}}), 403) << host;
  }
  EXPECT_EQ(CheckedStatus(access, {{"Host", "localhost"}}, "evil.example"), 403);
  EXPECT_EQ(CheckedStatus(access, {{"Host", "localhost:1"}, {"Origin", "http://localhost:1"}}),
            200);
  for (const char* const origin : {"http://evil.example", "null", "http://localhost", ""}) {
    EXPECT_EQ(CheckedStatus(access, {{"Host", "localhost:1"}, {"Origin", origin}}), 403) << origin;
  }
}

TEST(TokenFile, HasATokenPerLineAndIsNobodyElsesToRead) {
  const TempDirectory directory;
  const std::string token = "0123456789abcdef";
  const std::string path =
      directory.Write("tokens", "# two\n" + token + "\r\n\n" + token + "2\n", 0600);
  const auto tokens = ReadTokenFile(path);
  ASSERT_THAT(tokens, IsOk());
  EXPECT_THAT(*tokens, ElementsAre(token, token + "2"));
  for (const mode_t mode : {0640u, 0604u, 0620u}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_THAT(ReadTokenFile(path), FailsWith(Code::kFailedPrecondition, "chmod 600"));
  }
  EXPECT_THAT(ReadTokenFile(directory.Write("short", "abc\n", 0600)),
              FailsWith(Code::kInvalidArgument, "line 1"));
  EXPECT_THAT(ReadTokenFile(directory.Write("empty", "# none\n", 0600)),
              FailsWith(Code::kInvalidArgument, "no token"));
  EXPECT_THAT(ReadTokenFile(directory / "missing"), FailsWith(Code::kNotFound, "missing"));
}

TEST(InlineCode, IsAFileThatItsHandlerNames) {
  const auto name = [](const char* runtime, const char* handler, const char* code = "") {
    const auto file = InlineFileName(runtime, handler, code);
    return file.ok() ? *file : std::string(file.status().message());
  };
  EXPECT_EQ(name("python3", ""), "main.py");
  EXPECT_EQ(name("python3", "app.handler"), "app.py");
  EXPECT_EQ(name("python3", "app"), "app.py");
  EXPECT_EQ(name("python3", "app.py"), "app.py");
  EXPECT_EQ(name("python3", "package.app.handler"), "package/app.py");
  EXPECT_EQ(name("nodejs", "index.handler"), "index.js");
  EXPECT_EQ(name("nodejs", "index.mjs"), "index.mjs");
  EXPECT_EQ(name("native", "main.cpp"), "main.cpp");
  EXPECT_EQ(name("exec", "", "#!/bin/sh\n"), "main");
  EXPECT_EQ(name("", "app.py"), "app.py");
  EXPECT_EQ(name("", "", "#!/bin/sh\n"), "main");
  EXPECT_THAT(name("native", ""), HasSubstr("handler: missing"));
  EXPECT_THAT(name("", "app.handler"), HasSubstr("runtime: missing"));
  EXPECT_THAT(name("cobol", "app"), HasSubstr("runtime 'cobol'"));
}

TEST(FunctionBody, IsJsonOrAZipAndWrongOnesNameTheField) {
  const auto read = [](const char* body) {
    HttpRequest request{.headers = {{"Content-Type", "application/json; charset=utf-8"}},
                        .body = body};
    return ReadFunction("f", request, {}).status();
  };
  EXPECT_THAT(read(R"({"runtime": "python3", "code": {"inline": "x"}})"), IsOk());
  EXPECT_THAT(read(R"({"code": {"zip_base64": "UEsFBg=="}})"), IsOk());
  for (const char* const wrong :
       {R"({})", R"({"code": null})", R"({"code": 1})", R"({"code": {}})",
        R"({"code": {"x": "y"}})", R"({"code": {"inline": 1}})", R"({"code": {"zip_base64": "a"}})",
        R"({"code": {"zip_base64": "a=b="}})", R"({"code": {"zip_base64": ""}})",
        R"({"code": {"inline": "x", "zip_base64": "UEsFBg=="}, "runtime": "exec"})"}) {
    EXPECT_THAT(read(wrong), FailsWith(Code::kInvalidArgument, "code")) << wrong;
  }
  EXPECT_THAT(read("{"), FailsWith(Code::kInvalidArgument, "body: not JSON"));
  EXPECT_THAT(read("[]"), FailsWith(Code::kInvalidArgument, "body: must be"));
  EXPECT_THAT(read(R"({"memroy": 1, "code": {"inline": "x"}})"),
              FailsWith(Code::kInvalidArgument, "memory"));
  EXPECT_THAT(read(R"({"name": "g", "code": {"inline": "x"}})"),
              FailsWith(Code::kInvalidArgument, "name"));
}

TEST(Query, KnowsItsKeysAndTheirValues) {
  const HttpTarget target = *ParseTarget("/?n=5&flag=true&t=1m30s&extra=1&twice=1&twice=2");
  Query query(target);
  EXPECT_EQ(*query.Number("n", 1, 10, 7), 5u);
  EXPECT_EQ(*query.Number("absent", 1, 10, 7), 7u);
  EXPECT_THAT(query.Number("n", 6, 10, 7), FailsWith(Code::kInvalidArgument, "n: '5', must be"));
  EXPECT_TRUE(*query.Flag("flag"));
  EXPECT_FALSE(*query.Flag("absent"));
  EXPECT_THAT(query.Flag("n"), FailsWith(Code::kInvalidArgument, "true or false"));
  EXPECT_EQ(*query.Time("t"), std::chrono::seconds(90));
  EXPECT_THAT(query.Text("twice"), FailsWith(Code::kInvalidArgument, "twice: given twice"));
  EXPECT_THAT(query.Finish(), FailsWith(Code::kInvalidArgument, "'extra'"));
}

TEST(Answers, EveryErrorHasAStatusAndTheFieldThatIsWrong) {
  const HttpResponse response = ErrorAnswer(absl::InvalidArgumentError("limit: 'x', must be …"));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr(R"("field":"limit")"));
  EXPECT_EQ(ErrorAnswer(absl::ResourceExhaustedError("x")).headers.Get("Retry-After"), "1");
  const std::pair<Code, int> expected[] = {
      {Code::kNotFound, 404},           {Code::kAlreadyExists, 409}, {Code::kAborted, 409},
      {Code::kFailedPrecondition, 409}, {Code::kUnavailable, 503},   {Code::kUnimplemented, 501},
      {Code::kDeadlineExceeded, 504},   {Code::kInternal, 500},      {Code::kDataLoss, 500}};
  for (const auto& [code, status] : expected) EXPECT_EQ(HttpStatusOf(code), status);
}

TEST(TaskPool, RunsWhatIsPostedNowAndLaterAndNothingOnceItIsStopped) {
  TaskPool pool(2);
  Event now, later;
  pool.PostAfter(std::chrono::milliseconds(1), [&] { later.Set(); });
  pool.Post([&] { now.Set(); });
  now.Wait();
  later.Wait();
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = held;
  pool.PostAfter(std::chrono::hours(1), [held = std::move(held)] {});
  pool.Stop();
  EXPECT_TRUE(watched.expired());
  pool.Post([] { ADD_FAILURE() << "ran"; });
}

TEST(TaskPool, WhatIsDueRunsThoughTheThreadThatKnewOfItIsBusy) {
  TaskPool pool(2);
  Event due;
  // Whoever of the two waited for the time, one of them is soon busy until then.
  pool.PostAfter(std::chrono::milliseconds(50), [&] { due.Set(); });
  pool.Post([&] { due.Wait(); });
  due.Wait();
}

TEST(ServeHttp, RefusesOptionsThatCannotBe) {
  FakeService service(0);
  const auto refused = [&](const HttpServerOptions& options) {
    return ServeHttp(service.controller(), options).status();
  };
  EXPECT_THAT(refused({.listen = "0.0.0.0:0"}), FailsWith(Code::kFailedPrecondition, "tokens"));
  EXPECT_THAT(refused({.listen = "nowhere"}), FailsWith(Code::kInvalidArgument, "listen"));
  EXPECT_THAT(refused({.call_threads = 0}), FailsWith(Code::kInvalidArgument, "call_threads"));
  const auto first = ServeHttp(service.controller(), {.listen = "127.0.0.1:0"});
  ASSERT_THAT(first, IsOk());
  const std::string taken = (*first)->url().substr(std::string("http://").size());
  EXPECT_FALSE(refused({.listen = taken}).ok());
  (*first)->Stop({});
  EXPECT_THAT(ServeHttp(service.controller(), {.listen = taken}), IsOk());
}

}  // namespace
}  // namespace nanogrid
