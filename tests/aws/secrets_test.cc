// What Secrets Manager's adapter remembers, and for how long.
#include <gmock/gmock.h>

#include <latch>
#include <thread>

#include "aws/fake_service.h"
#include "aws/secrets/secret_json.h"
#include "aws/secrets/secrets_manager.h"
#include "aws/service_double.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using std::chrono::minutes;

HttpResponse Fail(int status, const std::string& code) {
  return {.status = status, .body = R"({"__type":")" + code + R"(","Message":"m"})"};
}

// Answers "1", "2", … unless the test has set a failure.
struct Vault {
  FakeClock clock{};
  std::atomic<int> asked = 0;
  std::mutex mutex{};
  std::optional<HttpResponse> failure{};
  FakeService service{[this](const HttpRequest&) -> HttpResponse {
    const std::lock_guard lock(mutex);
    if (failure) return *failure;
    return {.body = R"({"SecretString":")" + std::to_string(++asked) + R"("})"};
  }};
  std::unique_ptr<CachedSecretSource> source = Open();

  void Break(std::optional<HttpResponse> response) {
    const std::lock_guard lock(mutex);
    failure = std::move(response);
  }
  std::string Get() const {
    const auto secret = source->Get(Context{}, "name");
    return secret.ok() ? *secret : std::string(absl::StatusCodeToString(secret.status().code()));
  }

 private:
  std::unique_ptr<CachedSecretSource> Open() {
    return *aws::OpenSecretsManager(
        *TestSession(),
        {.aws = {.endpoint = service.url()}, .prefix = "p/", .ttl = minutes(5), .clock = &clock});
  }
};

TEST(SecretsManager, RemembersASecretForItsTime) {
  Vault vault;
  EXPECT_EQ(vault.Get(), "1");
  EXPECT_EQ(vault.service.requests().at(0).body, R"({"SecretId":"p/name"})");
  vault.clock.Advance(minutes(4));
  EXPECT_EQ(vault.Get(), "1");
  vault.clock.Advance(minutes(1));
  EXPECT_EQ(vault.Get(), "2");
}

TEST(SecretsManager, AsksAnewForASecretThatWasRefused) {
  Vault vault;
  EXPECT_EQ(vault.Get(), "1");
  vault.source->Forget("name");
  vault.source->Forget("another");
  EXPECT_EQ(vault.Get(), "2");
  EXPECT_EQ(vault.Get(), "2");
}

TEST(SecretsManager, AnOldSecretDoesWhileTheServiceHasTroubleForAnHour) {
  Vault vault;
  EXPECT_EQ(vault.Get(), "1");
  vault.Break(Fail(500, "InternalServiceError"));
  vault.clock.Advance(minutes(6));
  EXPECT_EQ(vault.Get(), "1");
  vault.source->Forget("name");
  EXPECT_EQ(vault.Get(), "UNAVAILABLE") << "it was refused";
  vault.Break(std::nullopt);
  EXPECT_EQ(vault.Get(), "2");
  vault.Break(Fail(500, "InternalServiceError"));
  vault.clock.Advance(minutes(61));
  EXPECT_EQ(vault.Get(), "UNAVAILABLE");
}

TEST(SecretsManager, ASecretThatWasTakenAwayIsGone) {
  Vault vault;
  EXPECT_EQ(vault.Get(), "1");
  vault.Break(Fail(400, "ResourceNotFoundException"));
  vault.clock.Advance(minutes(6));
  EXPECT_EQ(vault.Get(), "NOT_FOUND");
  vault.Break(Fail(400, "AccessDeniedException"));
  EXPECT_EQ(vault.Get(), "PERMISSION_DENIED");
}

TEST(SecretsManager, ManyThatAskAtOnceAskOnce) {
  constexpr int kThreads = 8;
  std::latch answered(1);
  std::atomic<int> asked = 0;
  const FakeService service([&](const HttpRequest&) -> HttpResponse {
    ++asked;
    answered.wait();
    return {.body = R"({"SecretString":"s"})"};
  });
  const auto source =
      *aws::OpenSecretsManager(*TestSession(), {.aws = {.endpoint = service.url()}});
  std::latch started(kThreads);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      started.count_down();
      EXPECT_EQ(*source->Get(Context{}, "name"), "s");
    });
  }
  started.wait();
  answered.count_down();
  threads.clear();
  EXPECT_EQ(asked, 1);
}

TEST(SecretJson, HasTextOrBytes) {
  EXPECT_EQ(*aws::ParseSecret(R"({"SecretString":"a\nb"})"), "a\nb");
  EXPECT_EQ(*aws::ParseSecret(R"({"SecretBinary":"AAEC/w=="})"), std::string("\0\1\2\xff", 4));
  EXPECT_EQ(*aws::ParseSecret(R"({"SecretBinary":""})"), "");
  for (const char* const text : {"", "{}", "[]", R"({"SecretBinary":"SECRET*"})",
                                 R"({"SecretString":7})", R"({"SecretBinary":"abc"})"}) {
    const Status status = aws::ParseSecret(text).status();
    EXPECT_EQ(status.code(), Code::kDataLoss) << text;
    EXPECT_EQ(status.message().find("SECRET"), absl::string_view::npos);
  }
}

TEST(SecretsManager, IsOpenedByUri) {
  EXPECT_TRUE(
      MakeSecretsManager(*Uri::Parse("secretsmanager:?region=eu-west-1&prefix=a/&ttl=1m")).ok());
  for (const char* const uri :
       {"secretsmanager://name", "secretsmanager:name", "secretsmanager:?region=eu-west-1&key=x",
        "secretsmanager:?region=eu-west-1&ttl=soon"}) {
    EXPECT_EQ(MakeSecretsManager(*Uri::Parse(uri)).status().code(), Code::kInvalidArgument) << uri;
  }
}

}  // namespace
}  // namespace nanogrid
