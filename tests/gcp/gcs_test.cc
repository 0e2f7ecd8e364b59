// Google Cloud Storage in trouble, and who may use it.
#include <gmock/gmock.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <latch>
#include <thread>

#include "core/temporary_directory.h"
#include "gcp/crc32c.h"
#include "gcp/fake_gcs.h"
#include "gcp/service_account.h"
#include "gcp/storage_api.h"
#include "gcp/token_cache.h"
#include "nanogrid/adapters/gcp.h"
#include "nanogrid/testing/fake_clock.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr uint64_t kPiece = 256 << 10;

class Gcs : public testing::Test {
 protected:
  GcsOptions Options() const {
    return {.bucket = "bucket",
            .endpoint = fake_.url(),
            .chunk_bytes = kPiece,
            .longest_wait = milliseconds(2)};
  }
  static std::unique_ptr<ObjectStore> Open(const GcsOptions& options) {
    auto store = MakeGcsObjectStore(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  static std::string Content(size_t size) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7919 >> 7);
    return content;
  }
  void ExpectKept(const std::string& content) {
    const auto kept = ReadObject(Context{}, *store_, "k");
    ASSERT_TRUE(kept.ok()) << kept.status();
    EXPECT_TRUE(*kept == content);
  }

  const FakeGcs fake_;
  const std::unique_ptr<ObjectStore> store_ = Open(Options());
};

TEST_F(Gcs, AnUploadGoesOnWhateverBreaks) {
  const std::string content = Content(9 * kPiece + 1000);
  GcsOptions options = Options();
  options.chunk_bytes = 4 * kPiece;
  const auto store = Open(options);
  for (const char* const fault :
       {R"("times": 2, "status": 503)", R"("before": true)", R"("after": true)",
        R"("keep": 600000)", R"("times": 3, "keep": 300000)", R"("status_after": 502)",
        R"("status": 429)"}) {
    SCOPED_TRACE(fault);
    fake_.Faults(std::string(R"([{"match": "PUT /upload", )") + fault + "}]");
    const auto written = WriteObject(Context{}, *store, "k", content);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_EQ(written->size, content.size());
    ExpectKept(content);
  }
}

TEST_F(Gcs, WhatFitsThePiecesExactlyIsEndedByNothing) {
  for (const size_t size : {kPiece, 2 * kPiece}) {
    ASSERT_TRUE(WriteObject(Context{}, *store_, "k", Content(size)).ok());
    ExpectKept(Content(size));
  }
}

TEST_F(Gcs, AReadGoesOnWhereItBroke) {
  const std::string content = Content(1'000'000);
  ASSERT_TRUE(WriteObject(Context{}, *store_, "k", content).ok());
  fake_.Faults(R"([{"match": "alt=media", "times": 5, "cut": 150000},
                   {"match": "alt=media", "times": 1, "status": 500}])");
  ExpectKept(content);
}

TEST_F(Gcs, BytesThatAreWrongAreNotPassedAsRight) {
  ASSERT_TRUE(WriteObject(Context{}, *store_, "k", "content").ok());
  fake_.Faults(R"([{"match": "alt=media", "corrupt": true}])");
  EXPECT_EQ(ReadObject(Context{}, *store_, "k").status().code(), Code::kDataLoss);
  fake_.Faults(R"([{"match": "PUT /upload", "times": 100, "corrupt": true}])");
  EXPECT_EQ(WriteObject(Context{}, *store_, "k", Content(kPiece + 1)).status().code(),
            Code::kDataLoss);
}

TEST_F(Gcs, AWriteIfAbsentWhoseAnswerWasLostHasSucceeded) {
  fake_.Faults(R"([{"match": "multipart", "after": true}])");
  EXPECT_TRUE(WriteObject(Context{}, *store_, "k", "mine", {.if_absent = true}).ok());
  fake_.Faults(R"([{"match": "multipart", "status": 503}])");
  EXPECT_EQ(WriteObject(Context{}, *store_, "k", "other", {.if_absent = true}).status().code(),
            Code::kAlreadyExists);
  EXPECT_EQ(WriteObject(Context{}, *store_, "k", Content(kPiece + 1), {.if_absent = true})
                .status()
                .code(),
            Code::kAlreadyExists);
  ExpectKept("mine");
}

TEST_F(Gcs, TroubleThatDoesNotEndIsUnavailableAndTheUploadIsCancelled) {
  fake_.Faults(R"([{"match": "PUT /upload", "times": 1000, "status": 503}])");
  EXPECT_EQ(WriteObject(Context{}, *store_, "k", Content(kPiece + 1)).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(fake_.State("/uploads"), 0);
  fake_.Faults(R"([{"match": "bucket/o", "times": 1000, "status": 503}])");
  EXPECT_EQ(ReadObject(Context{}, *store_, "k").status().code(), Code::kUnavailable);
  EXPECT_EQ(store_->Stat(Context{}, "k").status().code(), Code::kUnavailable);
  EXPECT_EQ(store_->List(Context{}, "").status().code(), Code::kUnavailable);
  fake_.Faults(R"([{"match": "bucket/o", "times": 1000, "status": 403}])");
  const Status refused = store_->Stat(Context{}, "k").status();
  EXPECT_EQ(refused.code(), Code::kPermissionDenied);
  EXPECT_THAT(refused.message(), HasSubstr("made by the test"));
}

TEST_F(Gcs, TheContextEndsTheRepetitions) {
  fake_.Faults(R"([{"match": "bucket/o", "times": 1000, "status": 503}])");
  GcsOptions options = Options();
  options.longest_wait = std::chrono::hours(10);
  options.max_attempts = 1000;
  const auto patient = Open(options);
  EXPECT_EQ(patient->Stat(Context::WithTimeout(milliseconds(700)), "k").status().code(),
            Code::kDeadlineExceeded);
}

TEST_F(Gcs, AStoreWithAPrefixSeesItsOwn) {
  GcsOptions options = Options();
  options.prefix = "env/prod";
  const auto inner = Open(options);
  ASSERT_TRUE(WriteObject(Context{}, *inner, "k", "1").ok());
  ASSERT_TRUE(WriteObject(Context{}, *store_, "env/production", "2").ok());
  EXPECT_TRUE(store_->Stat(Context{}, "env/prod/k").ok());
  const auto page = inner->List(Context{}, "");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "k");
  EXPECT_EQ(inner->Stat(Context{}, std::string(1020, 'k')).status().code(), Code::kInvalidArgument);
  options.bucket = "nowhere";
  EXPECT_EQ(Open(options)->List(Context{}, "").status().code(), Code::kNotFound);
}

// A service account that the fake knows.
struct Account {
  Account() : key(EVP_RSA_gen(2048), EVP_PKEY_free) {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(memory, &text);
    pem.assign(text, static_cast<size_t>(size));
    BIO_free(memory);
  }
  std::string Json(const std::string& token_uri) const {
    return boost::json::serialize(boost::json::object{{"type", "service_account"},
                                                      {"client_email", "robot@project"},
                                                      {"private_key_id", "1"},
                                                      {"private_key", pem},
                                                      {"token_uri", token_uri}});
  }
  std::string Known(int lifetime = 3600) const {
    BIGNUM* modulus = nullptr;
    EVP_PKEY_get_bn_param(key.get(), "n", &modulus);
    char* const hex = BN_bn2hex(modulus);
    std::string known = boost::json::serialize(boost::json::object{
        {"email", "robot@project"}, {"modulus", hex}, {"exponent", 65537}, {"seconds", lifetime}});
    OPENSSL_free(hex);
    BN_free(modulus);
    return known;
  }
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key;
  std::string pem;
};

class OneSecret final : public SecretSource {
 public:
  explicit OneSecret(std::string value) : value_(std::move(value)) {}
  Result<std::string> Get(const Context&, std::string_view name) override {
    if (name != "nanogrid/gcp-credentials") return absl::NotFoundError("no such secret");
    return value_;
  }

 private:
  const std::string value_;
};

TEST_F(Gcs, AServiceAccountIsWhoItSaysAndIsAskedForOnce) {
  const Account account;
  fake_.Control("require_token", account.Known());
  EXPECT_EQ(store_->Stat(Context{}, "k").status().code(), Code::kPermissionDenied);
  OneSecret secrets(account.Json(fake_.url() + "/token"));
  GcsOptions options = Options();
  options.secrets = &secrets;
  const auto store = Open(options);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        EXPECT_TRUE(WriteObject(Context{}, *store, std::to_string(i), Content(kPiece + 1)).ok());
      });
    }
  }
  EXPECT_EQ(fake_.State("/tokens"), 1);
  // Taken back before its time.
  fake_.Control("expire_tokens", "{}");
  EXPECT_TRUE(store->Stat(Context{}, "0").ok());
  EXPECT_EQ(fake_.State("/tokens"), 2);
}

TEST_F(Gcs, AForgedAccountIsRefusedAndItsKeyNotShown) {
  const Account account;
  const Account forger;
  fake_.Control("require_token", account.Known());
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "key.json";
  FILE* const file = std::fopen(path.c_str(), "w");
  std::fputs(forger.Json(fake_.url() + "/token").c_str(), file);
  std::fclose(file);
  GcsOptions options = Options();
  options.credentials_file = path;
  const Status refused = Open(options)->Stat(Context{}, "k").status();
  EXPECT_EQ(refused.code(), Code::kPermissionDenied);
  EXPECT_THAT(refused.message(), HasSubstr("robot@project"));
  EXPECT_THAT(refused.message(), HasSubstr("invalid_grant"));
  EXPECT_EQ(refused.message().find("PRIVATE"), std::string::npos);
  options.credentials_file = "/no/such/file";
  EXPECT_THAT(Open(options)->Stat(Context{}, "k").status().message(), HasSubstr("/no/such/file"));
}

TEST_F(Gcs, TheMachinesOwnAccountComesFromTheMetadataServer) {
  ::setenv("GCE_METADATA_HOST", fake_.host().c_str(), 1);
  const TemporaryDirectory directory;
  // Google's own endpoint is https: only there the machine's account is used unasked.
  GcsOptions options{.bucket = "bucket", .endpoint = "https://127.0.0.1:9", .max_attempts = 1};
  EXPECT_EQ(Open(options)->Stat(Context{}, "k").status().code(), Code::kUnavailable);
  EXPECT_EQ(fake_.State("/tokens"), 1);
  ::setenv("GCE_METADATA_HOST", "127.0.0.1:9", 1);
  const Status nobody = Open(options)->Stat(Context{}, "k").status();
  EXPECT_EQ(nobody.code(), Code::kUnavailable);
  EXPECT_THAT(nobody.message(), HasSubstr("GOOGLE_APPLICATION_CREDENTIALS"));
  ::unsetenv("GCE_METADATA_HOST");
}

TEST(GcsOptionsTest, WhatCannotBeIsRefused) {
  const auto code = [](const GcsOptions& options) {
    return MakeGcsObjectStore(options).status().code();
  };
  EXPECT_EQ(code({}), Code::kInvalidArgument);
  EXPECT_EQ(code({.bucket = "b", .prefix = "/a"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.bucket = "b", .chunk_bytes = 1000}), Code::kInvalidArgument);
  EXPECT_EQ(code({.bucket = "b", .endpoint = "ftp://x"}), Code::kInvalidArgument);
  // Credentials in clear over a network.
  EXPECT_EQ(code({.bucket = "b", .endpoint = "http://example.org", .credentials_file = "x"}),
            Code::kInvalidArgument);
  const auto parse = [](const char* uri) { return ParseGcsUri(*Uri::Parse(uri)); };
  EXPECT_EQ(parse("gs:bucket").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(parse("gs://bucket?key=x").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(parse("gs://bucket:80").status().code(), Code::kInvalidArgument);
  const auto parsed = parse("gs://bucket/a/b/?endpoint=http://127.0.0.1:1&ca=f");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->prefix, "a/b");
  EXPECT_EQ(parsed->ca_file, "f");
}

TEST(Crc32c, IsWhatRfc3720Says) {
  const auto text = [](std::string_view bytes) {
    gcp::Crc32c crc;
    crc.Update(bytes.substr(0, bytes.size() / 3));
    crc.Update(bytes.substr(bytes.size() / 3));
    return crc.value();
  };
  EXPECT_EQ(text(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(text(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(text("123456789"), 0xE3069283u);
  EXPECT_EQ(gcp::Base64("ab"), "YWI=");
  EXPECT_EQ(gcp::Base64Url("\xfb\xff"), "-_8");
}

TEST(ServiceAccountKey, ErrorsNameTheFieldAndShowNothing) {
  const auto error = [](const std::string& json) {
    return std::string(gcp::ParseServiceAccount(json).status().message());
  };
  EXPECT_THAT(error("secret"), HasSubstr("JSON"));
  EXPECT_THAT(error(R"({"type": "authorized_user"})"), HasSubstr("authorized_user"));
  EXPECT_THAT(error(R"({"type": "service_account"})"), HasSubstr("client_email"));
  const std::string broken =
      error(R"({"type": "service_account", "client_email": "a@b", "private_key": "hidden"})");
  EXPECT_THAT(broken, HasSubstr("private_key"));
  EXPECT_THAT(broken, testing::Not(HasSubstr("hidden")));
  const Account account;
  EXPECT_THAT(error(account.Json("http://example.org/token")), HasSubstr("https"));
  EXPECT_TRUE(gcp::ParseServiceAccount(account.Json("https://example.org/token")).ok());
}

TEST(TokenCache, FetchesBeforeTheEndAndGoesOnWithTheOldOneIfThatFails) {
  FakeClock clock;
  int fetched = 0;
  bool works = true;
  gcp::TokenCache cache(
      [&](const Context&) -> Result<gcp::AccessToken> {
        ++fetched;
        if (!works) return absl::UnavailableError("no");
        return gcp::AccessToken{.token = "t" + std::to_string(fetched), .lifetime = minutes(60)};
      },
      clock);
  EXPECT_EQ(*cache.Get(Context{}), "t1");
  clock.Advance(minutes(54));
  EXPECT_EQ(*cache.Get(Context{}), "t1");
  clock.Advance(minutes(2));
  works = false;
  EXPECT_EQ(*cache.Get(Context{}), "t1");
  EXPECT_EQ(*cache.Get(Context{}), "t1");
  EXPECT_EQ(fetched, 2);
  clock.Advance(minutes(4));
  EXPECT_EQ(cache.Get(Context{}).status().code(), Code::kUnavailable);
  works = true;
  EXPECT_EQ(*cache.Get(Context{}), "t4");
  cache.Reject("another");
  EXPECT_EQ(*cache.Get(Context{}), "t4");
  cache.Reject("t4");
  EXPECT_EQ(*cache.Get(Context{}), "t5");
}

TEST(TokenCache, WhoWaitsIsEndedByTheContext) {
  std::latch fetching(1);
  std::latch go_on(1);
  gcp::TokenCache cache(
      [&](const Context&) -> Result<gcp::AccessToken> {
        fetching.count_down();
        go_on.wait();
        return gcp::AccessToken{.token = "t", .lifetime = minutes(60)};
      },
      Clock::System());
  std::jthread first([&] { EXPECT_TRUE(cache.Get(Context{}).ok()); });
  fetching.wait();
  EXPECT_EQ(cache.Get(Context::WithTimeout(milliseconds(5))).status().code(),
            Code::kDeadlineExceeded);
  go_on.count_down();
  EXPECT_EQ(*cache.Get(Context{}), "t");
}

TEST(GcsApi, ReadsAnswersAndRefusesOthers) {
  const auto object = gcp::ParseRemoteObject(
      R"({"name": "a", "size": "5", "generation": "7", "updated": "2026-02-28T09:30:00.12Z"})");
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(object->size, 5u);
  for (const char* const text :
       {"", "[]", "{}", R"({"name": "a", "size": 5, "generation": "7"})",
        R"({"name": "a", "size": "5", "generation": "x", "updated": "2026-02-28T09:30:00Z"})",
        R"({"name": "a", "size": "5", "generation": "7", "updated": "yesterday"})"}) {
    EXPECT_EQ(gcp::ParseRemoteObject(text).status().code(), Code::kInternal) << text;
  }
  EXPECT_EQ(*gcp::ParseKept({}), 0u);
  EXPECT_EQ(*gcp::ParseKept({{"Range", "bytes=0-99"}}), 100u);
  EXPECT_FALSE(gcp::ParseKept({{"Range", "bytes=1-99"}}).ok());
  EXPECT_FALSE(gcp::ParseKept({{"Range", "0-99"}}).ok());
  EXPECT_EQ(gcp::ParseHash({{"x-goog-hash", "md5=x, crc32c=yZRlqg=="}}), "yZRlqg==");
  EXPECT_EQ(*gcp::TargetOfUrl("https://h/a?b"), "/a?b");
  EXPECT_FALSE(gcp::TargetOfUrl("nothing").ok());
}

}  // namespace
}  // namespace nanogrid
