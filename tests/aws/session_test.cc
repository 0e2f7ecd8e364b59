// What the environment says: regions, endpoints, and where credentials come from.
#include "aws/session.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "aws/fake_service.h"
#include "core/temporary_directory.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;
using testing::HasSubstr;

class SessionTest : public testing::Test {
 protected:
  SessionTest() { variables_["AWS_EC2_METADATA_DISABLED"] = "true"; }

  void WriteFile(const std::string& name, const std::string& text) const {
    std::ofstream(directory_.path() / name) << text;
  }
  std::string PathOf(const std::string& name) const { return directory_.path() / name; }
  std::shared_ptr<Session> Open(const AwsOptions& options = {}) {
    auto session = TryOpen(options);
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }
  Result<std::shared_ptr<Session>> TryOpen(const AwsOptions& options = {}) {
    return Session::Open(options, [variables = variables_](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  }
  // "KEY/SECRET/TOKEN", or the error.
  std::string Keys(const AwsOptions& options = {}) {
    const auto session = Open(options);
    const auto keys = session->credentials()->Get(Context{});
    if (!keys.ok()) return std::string(keys.status().message());
    return keys->access_key_id + "/" + keys->secret_access_key + "/" + keys->session_token;
  }

  const TemporaryDirectory directory_;
  std::map<std::string, std::string, std::less<>> variables_;
};

constexpr char kIssued[] =
    R"({"AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T","Expiration":"2099-01-01T00:00:00Z"})";

std::string AssumedRole(const std::string& action) {
  return "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + action +
         "</AccessKeyId><SecretAccessKey>SK</SecretAccessKey><SessionToken>T</SessionToken>"
         "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

TEST_F(SessionTest, TheRegionIsTheOptionsTheEnvironmentsOrTheProfiles) {
  EXPECT_EQ(Open()->Region(Context{}, false).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(*Open()->Region(Context{}, true), "us-east-1");
  variables_["AWS_CONFIG_FILE"] = PathOf("config");
  WriteFile("config", "[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-2\n");
  EXPECT_EQ(*Open()->Region(Context{}, false), "eu-west-1");
  variables_["AWS_PROFILE"] = "other";
  EXPECT_EQ(*Open()->Region(Context{}, false), "eu-west-2");
  variables_["AWS_DEFAULT_REGION"] = "eu-north-1";
  EXPECT_EQ(*Open()->Region(Context{}, false), "eu-north-1");
  variables_["AWS_REGION"] = "sa-east-1";
  EXPECT_EQ(*Open()->Region(Context{}, false), "sa-east-1");
  EXPECT_EQ(*Open({.region = "ap-east-1"})->Region(Context{}, false), "ap-east-1");
  EXPECT_EQ(TryOpen({.region = "Nowhere!"}).status().code(), Code::kInvalidArgument);
}

TEST_F(SessionTest, EndpointsAreTheMostSpecificOnes) {
  EXPECT_EQ(Open()->EndpointFor(kSqs, "eu-west-1")->server, "https://sqs.eu-west-1.amazonaws.com");
  variables_["AWS_CONFIG_FILE"] = PathOf("config");
  WriteFile("config", "[default]\nendpoint_url = http://profile\n");
  EXPECT_EQ(Open()->EndpointFor(kSqs, "eu-west-1")->server, "http://profile");
  variables_["AWS_ENDPOINT_URL"] = "http://all:1";
  EXPECT_EQ(Open()->EndpointFor(kSqs, "eu-west-1")->server, "http://all:1");
  variables_["AWS_ENDPOINT_URL_SQS"] = "http://sqs:2";
  EXPECT_EQ(Open()->EndpointFor(kSqs, "eu-west-1")->server, "http://sqs:2");
  EXPECT_EQ(Open()->EndpointFor(kS3, "eu-west-1")->server, "http://all:1");
  EXPECT_EQ(Open({.endpoint = "http://option"})->EndpointFor(kSqs, "x")->server, "http://option");
  variables_["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_FALSE(Open()->HasOwnEndpoint(kSqs));
}

TEST_F(SessionTest, KeysOfTheEnvironmentComeFirst) {
  variables_["AWS_ACCESS_KEY_ID"] = "AK";
  EXPECT_THAT(Keys(), HasSubstr("AWS_SECRET_ACCESS_KEY is not"));
  variables_["AWS_SECRET_ACCESS_KEY"] = "SK";
  EXPECT_EQ(Keys(), "AK/SK/");
  variables_["AWS_SESSION_TOKEN"] = "T";
  EXPECT_EQ(Keys(), "AK/SK/T");
}

TEST_F(SessionTest, ProfilesHaveKeysThatMayChange) {
  variables_["AWS_SHARED_CREDENTIALS_FILE"] = PathOf("keys");
  WriteFile("keys",
            "[default]\naws_access_key_id=D\naws_secret_access_key=S\n"
            "[other]\naws_access_key_id=O\naws_secret_access_key=S\n");
  EXPECT_EQ(Keys(), "D/S/");
  EXPECT_EQ(Keys({.profile = "other"}), "O/S/");
  variables_["AWS_ACCESS_KEY_ID"] = "AK";
  EXPECT_EQ(Keys({.profile = "other"}), "O/S/") << "an option is meant more than the environment";
  variables_.erase("AWS_ACCESS_KEY_ID");
  const auto session = Open();
  const auto first = session->credentials()->Get(Context{});
  WriteFile("keys", "[default]\naws_access_key_id=N\naws_secret_access_key=S\n");
  session->credentials()->Reject(*first);
  EXPECT_EQ(session->credentials()->Get(Context{})->access_key_id, "N");
}

TEST_F(SessionTest, AProfileThatIsNamedIsThere) {
  variables_["AWS_PROFILE"] = "missing";
  const Status status = TryOpen().status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'missing'"));
  variables_["AWS_CONFIG_FILE"] = PathOf("config");
  WriteFile("config", "[profile missing\n");
  EXPECT_THAT(std::string(TryOpen().status().message()), HasSubstr("config: line 1"));
}

TEST_F(SessionTest, AProfilesRoleIsAssumedWithTheKeysOfAnother) {
  const FakeService sts(
      [](const HttpRequest&) { return HttpResponse{.body = AssumedRole("AssumeRole")}; });
  variables_["AWS_ENDPOINT_URL_STS"] = sts.url();
  variables_["AWS_CONFIG_FILE"] = PathOf("config");
  WriteFile("config",
            "[default]\nrole_arn = arn:role\nsource_profile = keys\nexternal_id = e&1\n"
            "[profile keys]\naws_access_key_id = A\naws_secret_access_key = S\n"
            "[profile loop]\nrole_arn = r\nsource_profile = pool\n"
            "[profile pool]\nrole_arn = r\nsource_profile = loop\n"
            "[profile alone]\nrole_arn = r\n");
  EXPECT_EQ(Keys(), "AssumeRole/SK/T");
  const HttpRequest request = sts.requests().at(0);
  EXPECT_THAT(request.body, HasSubstr("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Arole"));
  EXPECT_THAT(request.body, HasSubstr("ExternalId=e%261"));
  EXPECT_THAT(std::string(request.headers.Get("Authorization")), HasSubstr("Credential=A/"));
  EXPECT_THAT(Keys({.profile = "loop"}), HasSubstr("more than 5"));
  EXPECT_THAT(Keys({.profile = "alone"}), HasSubstr("source_profile"));
}

TEST_F(SessionTest, AWebIdentityIsExchangedUnsignedAndItsTokenReadEachTime) {
  const FakeService sts([](const HttpRequest&) {
    return HttpResponse{.body = AssumedRole("AssumeRoleWithWebIdentity")};
  });
  variables_["AWS_ENDPOINT_URL_STS"] = sts.url();
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = PathOf("token");
  variables_["AWS_ROLE_ARN"] = "arn:role";
  EXPECT_THAT(Keys(), HasSubstr("cannot read the token file"));
  WriteFile("token", "web.token\n");
  EXPECT_EQ(Keys(), "AssumeRoleWithWebIdentity/SK/T");
  const HttpRequest request = sts.requests().at(0);
  EXPECT_THAT(request.body, HasSubstr("WebIdentityToken=web.token"));
  EXPECT_EQ(request.headers.Find("Authorization"), nullptr);
}

TEST_F(SessionTest, AContainersAgentIsAskedWithItsToken) {
  std::atomic<int> status = 500;
  const FakeService agent([&status](const HttpRequest&) {
    return HttpResponse{.status = status.exchange(200), .body = kIssued};
  });
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = agent.url() + "/v1/credentials?x=y";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = PathOf("token");
  WriteFile("token", "agent token\n");
  EXPECT_EQ(Keys(), "AK/SK/T");
  ASSERT_EQ(agent.requests().size(), 2u);
  EXPECT_EQ(agent.requests()[1].target, "/v1/credentials?x=y");
  EXPECT_EQ(agent.requests()[1].headers.Get("Authorization"), "agent token");
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/";
  EXPECT_THAT(Keys(), HasSubstr("must be https"));
}

TEST_F(SessionTest, AnInstanceHasARoleAndARegion) {
  int tokens = 0;
  const FakeService imds([&tokens](const HttpRequest& request) -> HttpResponse {
    if (request.method == "PUT") return {.body = "token" + std::to_string(++tokens)};
    // The first token expires at once.
    if (request.headers.Get("X-aws-ec2-metadata-token") != "token2") return {.status = 401};
    if (request.target == "/latest/meta-data/placement/region") return {.body = "eu-south-1"};
    if (request.target == "/latest/meta-data/iam/security-credentials/") return {.body = "role\n"};
    if (request.target == "/latest/meta-data/iam/security-credentials/role") {
      return {.body = kIssued};
    }
    return {.status = 404};
  });
  variables_["AWS_EC2_METADATA_DISABLED"] = "false";
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = imds.url();
  const auto session = Open();
  EXPECT_EQ(session->credentials()->Get(Context{})->access_key_id, "AK");
  EXPECT_EQ(*session->Region(Context{}, false), "eu-south-1");
  EXPECT_EQ(session->metadata()->Get(Context{}, "/x").status().code(), Code::kNotFound);
  EXPECT_EQ(tokens, 2);
}

TEST_F(SessionTest, WithoutAnythingTheErrorSaysWhatToSet) {
  EXPECT_THAT(Keys(), HasSubstr("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
}

}  // namespace
}  // namespace nanogrid::aws
