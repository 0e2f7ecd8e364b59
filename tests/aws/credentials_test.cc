// Credentials that are renewed, and answers that hold them.
#include "aws/credentials.h"

#include <gmock/gmock.h>

#include <latch>
#include <thread>

#include "aws/credentials_parse.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;
using std::chrono::minutes;

// Answers credentials number 1, 2, … that last for an hour.
struct Issuer {
  FakeClock clock{};
  std::atomic<int> issued = 0;
  std::atomic<bool> broken = false;
  std::unique_ptr<CredentialsSource> source = MakeCachedCredentials(
      [this](const Context&) -> Result<Credentials> {
        if (broken) return absl::UnavailableError("broken");
        return Credentials{.access_key_id = std::to_string(++issued),
                           .expires = clock.WallNow() + minutes(60)};
      },
      clock);

  std::string Get() {
    const auto credentials = source->Get(Context{});
    return credentials.ok() ? credentials->access_key_id
                            : std::string(credentials.status().message());
  }
};

TEST(CachedCredentials, AreRenewedBeforeTheyExpire) {
  Issuer issuer;
  EXPECT_EQ(issuer.Get(), "1");
  issuer.clock.Advance(minutes(54));
  EXPECT_EQ(issuer.Get(), "1");
  issuer.clock.Advance(minutes(2));
  EXPECT_EQ(issuer.Get(), "2");
}

TEST(CachedCredentials, OldOnesDoWhileNewOnesCannotBeHad) {
  Issuer issuer;
  EXPECT_EQ(issuer.Get(), "1");
  issuer.broken = true;
  issuer.clock.Advance(minutes(56));
  EXPECT_EQ(issuer.Get(), "1");
  issuer.clock.Advance(minutes(5));
  EXPECT_EQ(issuer.Get(), "broken");
  issuer.broken = false;
  EXPECT_EQ(issuer.Get(), "2");
}

TEST(CachedCredentials, ThoseThatAServiceRejectsAreFetchedAnew) {
  Issuer issuer;
  const auto first = issuer.source->Get(Context{});
  issuer.source->Reject({.access_key_id = "of somebody else"});
  EXPECT_EQ(issuer.Get(), "1");
  issuer.source->Reject(*first);
  EXPECT_EQ(issuer.Get(), "2");
}

TEST(CachedCredentials, ManyThatAskAtOnceAreServedByOneFetch) {
  constexpr int kThreads = 8;
  std::atomic<int> fetches = 0;
  std::latch waiting(1), asked(kThreads);
  const auto source = MakeCachedCredentials([&](const Context&) -> Result<Credentials> {
    ++fetches;
    waiting.wait();
    return Credentials{.access_key_id = "a"};
  });
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      asked.count_down();
      EXPECT_EQ(source->Get(Context{})->access_key_id, "a");
    });
  }
  asked.wait();
  waiting.count_down();
  threads.clear();
  EXPECT_EQ(fetches, 1);
}

TEST(CachedCredentials, WhoWaitsForAnothersFetchEndsWithItsOwnContext) {
  std::latch fetching(1), go_on(1);
  const auto source = MakeCachedCredentials([&](const Context&) -> Result<Credentials> {
    fetching.count_down();
    go_on.wait();
    return Credentials{};
  });
  const std::jthread first([&] { EXPECT_TRUE(source->Get(Context{}).ok()); });
  fetching.wait();
  std::stop_source stop;
  Code code = Code::kOk;
  std::jthread second(
      [&] { code = source->Get(Context::WithStop(stop.get_token())).status().code(); });
  stop.request_stop();
  second.join();
  EXPECT_EQ(code, Code::kCancelled);
  EXPECT_EQ(source->Get(Context::WithTimeout(std::chrono::milliseconds(1))).status().code(),
            Code::kDeadlineExceeded);
  go_on.count_down();
}

TEST(CredentialsJson, IsRead) {
  const auto credentials = ParseCredentialsJson(
      R"({"Code":"Success","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T",)"
      R"("Expiration":"2030-01-01T00:00:00Z","Type":"AWS-HMAC"})");
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->access_key_id, "AK");
  EXPECT_EQ(credentials->secret_access_key, "SK");
  EXPECT_EQ(credentials->session_token, "T");
  EXPECT_EQ(credentials->expires,
            SystemTime(std::chrono::sys_days(std::chrono::January / 1 / 2030)));
  EXPECT_EQ(ParseCredentialsJson(R"({"AccessKeyId":"AK","SecretAccessKey":"SK"})")->expires,
            SystemTime::max());
}

TEST(CredentialsJson, WhatIsBrokenIsRefusedAndNotShown) {
  for (const char* const text :
       {"", "SECRET", "[]", "{}", R"({"AccessKeyId":"SECRET"})",
        R"({"AccessKeyId":"a","SecretAccessKey":"SECRET\n"})",
        R"({"AccessKeyId":"a","SecretAccessKey":"SECRET","Expiration":"SECRET"})",
        R"({"AccessKeyId":1,"SecretAccessKey":2})"}) {
    const Status status = ParseCredentialsJson(text).status();
    EXPECT_EQ(status.code(), Code::kDataLoss) << text;
    EXPECT_EQ(status.message().find("SECRET"), std::string::npos);
  }
}

TEST(CredentialsJson, ARefusalIsToldByItsCodeIfThatIsAKnownOne) {
  EXPECT_EQ(ParseCredentialsJson(R"({"Code":"AssumeRoleUnauthorizedAccess"})").status(),
            absl::PermissionDeniedError("credentials: were refused: AssumeRoleUnauthorizedAccess"));
  EXPECT_EQ(
      ParseCredentialsJson(R"({"code":"NoCredentialsAssociated","message":"SECRET"})").status(),
      absl::PermissionDeniedError("credentials: were refused: NoCredentialsAssociated"));
  EXPECT_EQ(ParseCredentialsJson(R"({"Code":"SECRET"})").status(),
            absl::PermissionDeniedError("credentials: were refused"));
}

TEST(AssumedRole, IsRead) {
  const auto answer = ParseXml(
      "<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult>"
      "<Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SK</SecretAccessKey>"
      "<SessionToken>T</SessionToken><Expiration>2030-01-01T00:00:00.123456Z</Expiration>"
      "</Credentials></AssumeRoleResult></AssumeRoleResponse>");
  ASSERT_TRUE(answer.ok());
  const auto credentials = ParseAssumedRole(*answer, "AssumeRoleResult");
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->session_token, "T");
  EXPECT_EQ(credentials->expires.time_since_epoch().count() % 1000, 123);
  EXPECT_FALSE(ParseAssumedRole(*answer, "Other").ok());
}

}  // namespace
}  // namespace nanogrid::aws
