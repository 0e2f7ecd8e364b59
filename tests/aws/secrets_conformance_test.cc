#include "aws/secrets/secrets_manager.h"
#include "aws/service_double.h"
#include "nanogrid/testing/secret_source_conformance.h"

namespace nanogrid {
namespace {

// Of this program: processes share the double.
const std::string& Prefix() {
  static const std::string prefix = UniqueName("tests") + "/";
  return prefix;
}

void Put(const std::string& name, const std::string& value) {
  static const auto client = TestClient(aws::kSecretsManager, MotoUrl());
  const std::string token = MakeRequestId();
  const std::string fields =
      R"("SecretString":")" + value + R"(","ClientRequestToken":")" + token + R"("})";
  const auto made =
      client->Json(Context{}, "CreateSecret", R"({"Name":")" + Prefix() + name + R"(",)" + fields);
  if (made.ok()) return;
  const auto put = client->Json(Context{}, "PutSecretValue",
                                R"({"SecretId":")" + Prefix() + name + R"(",)" + fields);
  EXPECT_TRUE(put.ok()) << made.status() << ", " << put.status();
}

std::unique_ptr<SecretSource> Open() {
  auto source = aws::OpenSecretsManager(
      *TestSession(), {.aws = {.endpoint = MotoUrl()}, .prefix = Prefix(), .ttl = Duration(0)});
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(SecretsManager, SecretSourceConformance,
                         testing::Values(SecretSourceAdapter{"secretsmanager", Open, Put}));

}  // namespace nanogrid
