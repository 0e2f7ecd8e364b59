// Profile files and endpoints.
#include "aws/profile.h"

#include <gmock/gmock.h>

#include "aws/endpoint.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;
using testing::ElementsAre;
using testing::Pair;

TEST(ProfileFiles, HaveProfilesWithSettings) {
  const auto profiles = ParseProfiles(
      "# comment\n"
      "[default]\r\n"
      "region = eu-west-1\r\n"
      "\n"
      "[profile  big ]\n"
      "Role_ARN=arn:aws:iam::1:role/x ; comment\n"
      "  ; comment\n"
      "s3 =\n"
      "  max_concurrent_requests = 20\n"
      "\taddressing_style=path\n"
      "output = json\n"
      "[sso-session corp]\n"
      "region = nowhere\n",
      ProfileFile::kConfig);
  ASSERT_TRUE(profiles.ok()) << profiles.status();
  ASSERT_EQ(profiles->size(), 2u);
  EXPECT_THAT(profiles->at("default"), ElementsAre(Pair("region", "eu-west-1")));
  EXPECT_THAT(
      profiles->at("big"),
      ElementsAre(Pair("output", "json"), Pair("role_arn", "arn:aws:iam::1:role/x"), Pair("s3", ""),
                  Pair("s3.addressing_style", "path"), Pair("s3.max_concurrent_requests", "20")));
}

TEST(ProfileFiles, NameProfilesPlainlyWhereTheKeysAre) {
  const auto profiles = ParseProfiles(
      "[big]\naws_access_key_id=AK#;=\naws_secret_access_key = a=b#c\n", ProfileFile::kCredentials);
  ASSERT_TRUE(profiles.ok()) << profiles.status();
  EXPECT_THAT(profiles->at("big"), ElementsAre(Pair("aws_access_key_id", "AK#;="),
                                               Pair("aws_secret_access_key", "a=b#c")));
}

TEST(ProfileFiles, AreMergedAndTheKeysFileWins) {
  const Profiles config{{"a", {{"region", "r"}, {"aws_access_key_id", "config"}}}};
  const Profiles credentials{{"a", {{"aws_access_key_id", "keys"}}}};
  EXPECT_THAT(MergeProfiles(config, credentials, "a"),
              ElementsAre(Pair("aws_access_key_id", "keys"), Pair("region", "r")));
  EXPECT_TRUE(MergeProfiles(config, credentials, "b").empty());
}

TEST(ProfileFiles, ErrorsNameTheLineAndNothingOfIt) {
  for (const char* const text :
       {"[default]\nSECRET\n", "\nSECRET = x\n", "\n[default\n", "[default]\n = SECRET\n"}) {
    const Status status = ParseProfiles(text, ProfileFile::kConfig).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("line 2")) << text;
    EXPECT_EQ(status.message().find("SECRET"), std::string::npos);
  }
}

TEST(Endpoints, AreParsed) {
  const auto endpoint = ParseEndpoint("http://127.0.0.1:5000/base/");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(endpoint->server, "http://127.0.0.1:5000");
  EXPECT_EQ(endpoint->authority, "127.0.0.1:5000");
  EXPECT_EQ(endpoint->path, "/base");
  EXPECT_EQ(ParseEndpoint("https://[::1]:1")->authority, "[::1]:1");
  for (const char* const url : {"", "sqs", "ftp://x", "http://", "https://:80", "http://a b",
                                "http://x?y=z", "http://x/\n", "https://user:password@x"}) {
    const Status status = ParseEndpoint(url).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << url;
    EXPECT_EQ(status.message().find("password@"), std::string::npos);
  }
}

TEST(Endpoints, AreTheRegions) {
  EXPECT_EQ(RegionalEndpoint("sqs", "eu-west-1")->server, "https://sqs.eu-west-1.amazonaws.com");
  EXPECT_EQ(RegionalEndpoint("sqs", "cn-north-1")->server,
            "https://sqs.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(RegionalEndpoint("sqs", "us-gov-west-1")->server,
            "https://sqs.us-gov-west-1.amazonaws.com");
  for (const char* const region : {"", "EU", "eu west", "eu-west-1.evil.com", "eu/west"}) {
    EXPECT_EQ(RegionalEndpoint("sqs", region).status().code(), Code::kInvalidArgument) << region;
  }
}

}  // namespace
}  // namespace nanogrid::aws
