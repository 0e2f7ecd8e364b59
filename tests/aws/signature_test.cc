// Signatures against the vectors that AWS publishes.
#include "aws/signature.h"

#include <gmock/gmock.h>

#include "core/sha256.h"

namespace nanogrid::aws {
namespace {

struct Vector {
  const char* name;
  HttpRequest request;
  const char* signature;
  const char* token = "";
};
void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

constexpr char kUnreserved[] = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

HttpRequest Get(std::string target, HttpHeaders headers = {}) {
  return {.target = std::move(target), .headers = std::move(headers)};
}
HttpRequest Post(std::string target, HttpHeaders headers = {}, std::string body = "") {
  return {.method = "POST",
          .target = std::move(target),
          .headers = std::move(headers),
          .body = std::move(body)};
}

std::string SignatureOf(const HttpRequest& request) {
  const std::string_view authorization = request.headers.Get("Authorization");
  return std::string(authorization.substr(authorization.find("Signature=") + 10));
}

class SignatureVectors : public testing::TestWithParam<Vector> {};

TEST_P(SignatureVectors, AreSignedAsPublished) {
  HttpRequest request = GetParam().request;
  const Credentials credentials{.access_key_id = "AKIDEXAMPLE",
                                .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                .session_token = GetParam().token};
  const SystemTime time = std::chrono::sys_days(std::chrono::August / 30 / 2015) +
                          std::chrono::hours(12) + std::chrono::minutes(36);
  SignRequest({.region = "us-east-1", .service = "service"}, credentials, time,
              "example.amazonaws.com", Sha256Hex(request.body), request);
  EXPECT_EQ(SignatureOf(request), GetParam().signature)
      << CanonicalRequest({}, "example.amazonaws.com", Sha256Hex(request.body), request);
}

// Of the AWS Signature Version 4 test suite: those with normalized paths.
INSTANTIATE_TEST_SUITE_P(
    TestSuite, SignatureVectors,
    testing::Values(
        Vector{"header-key-duplicate",
               Get("/",
                   {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}),
               "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        Vector{"header-value-multiline",
               Get("/", {{"My-Header1", "value1\n  value2\n     value3"}}),
               "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
        Vector{"header-value-order",
               Get("/", {{"My-Header1", "value4"},
                         {"My-Header1", "value1"},
                         {"My-Header1", "value3"},
                         {"My-Header1", "value2"}}),
               "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
        Vector{"header-value-trim",
               Get("/", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
               "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Vector{"relative", Get("/example/.."),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"relative-relative", Get("/example1/example2/../.."),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"slash-dot-slash", Get("/./"),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"slash", Get("//"),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"slash-pointless-dot", Get("/./example"),
               "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
        Vector{"slashes", Get("//example//"),
               "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
        Vector{"space", Get("/example space/"),
               "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        Vector{"unreserved", Get(std::string("/") + kUnreserved),
               "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        Vector{"utf8", Get("/\u1234"),
               "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        Vector{"vanilla", Get("/"),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        Vector{"query", Get("/?Param1=value1"),
               "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        Vector{"query-order-encoded", Get("/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1"),
               "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
        Vector{"query-order", Get("/?Param2=value2&Param1=value1"),
               "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Vector{"query-unreserved", Get(std::string("/?") + kUnreserved + "=" + kUnreserved),
               "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
        Vector{"query-utf8", Get("/?\u1234=bar"),
               "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        Vector{"session-token", Get("/"),
               "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
               "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"},
        Vector{"post", Post("/"),
               "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        Vector{"post-header-sort", Post("/", {{"My-Header1", "value1"}}),
               "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
        Vector{"post-header-value-case", Post("/", {{"My-Header1", "VALUE1"}}),
               "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
        Vector{"post-query", Post("/?Param1=value1"),
               "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        Vector{"post-form",
               Post("/",
                    {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Content-Length", "13"},
                     {"X-Amz-Content-Sha256",
                      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}},
                    "Param1=value1"),
               "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
        Vector{"post-form-charset",
               Post("/",
                    {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                     {"Content-Length", "13"},
                     {"X-Amz-Content-Sha256",
                      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}},
                    "Param1=value1"),
               "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"}));

class S3SignatureVectors : public testing::TestWithParam<Vector> {};

TEST_P(S3SignatureVectors, AreSignedAsPublished) {
  HttpRequest request = GetParam().request;
  const Credentials credentials{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
  SignRequest({.region = "us-east-1", .service = "s3", .s3 = true}, credentials,
              std::chrono::sys_days(std::chrono::May / 24 / 2013), "examplebucket.s3.amazonaws.com",
              Sha256Hex(request.body), request);
  EXPECT_EQ(SignatureOf(request), GetParam().signature);
}

// Of the S3 API reference, "Authenticating Requests: Using the Authorization Header".
INSTANTIATE_TEST_SUITE_P(
    S3Reference, S3SignatureVectors,
    testing::Values(Vector{"get", Get("/test.txt", {{"Range", "bytes=0-9"}}),
                           "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
                    Vector{"put",
                           {.method = "PUT",
                            .target = "/test%24file.text",
                            .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                            .body = "Welcome to Amazon S3."},
                           "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
                    Vector{"lifecycle", Get("/?lifecycle"),
                           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
                    Vector{"list", Get("/?max-keys=2&prefix=J"),
                           "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}));

TEST(Signature, S3SignsThePathAsItIsSent) {
  const HttpRequest request{.target = "/a//b/../c%20d"};
  EXPECT_THAT(CanonicalRequest({.s3 = true}, "h", kUnsignedPayload, request),
              testing::StartsWith("GET\n/a//b/../c%20d\n"));
  EXPECT_THAT(CanonicalRequest({}, "h", kUnsignedPayload, request),
              testing::StartsWith("GET\n/a/c%2520d\n"));
}

TEST(Signature, WhatProxiesChangeIsNotSigned) {
  HttpRequest request{.headers = {{"User-Agent", "x"}, {"Connection", "close"}, {"X-Mine", "1"}}};
  SignRequest({.region = "r", .service = "s"}, {"id", "key"}, SystemTime(), "h", "hash", request);
  EXPECT_THAT(std::string(request.headers.Get("Authorization")),
              testing::HasSubstr("SignedHeaders=host;x-amz-date;x-mine,"));
}

}  // namespace
}  // namespace nanogrid::aws
