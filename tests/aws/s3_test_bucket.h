// Buckets at doubles of S3.
#pragma once

#include <string>

#include "aws/s3/object_store.h"
#include "aws/service_double.h"
#include "nanogrid/adapters/aws.h"

namespace nanogrid {

// A new bucket's name.
inline std::string NewS3Bucket(const std::string& endpoint) {
  std::string name = UniqueName("bucket");
  const auto client = TestClient(aws::kS3, endpoint);
  const auto made =
      client->Send(Context{}, "CreateBucket", {.method = "PUT", .target = "/" + name});
  EXPECT_TRUE(made.ok()) << made.status();
  return name;
}

// Tries often: doubles answer 500 when requests for one object meet.
inline std::unique_ptr<ObjectStore> OpenS3(const std::string& endpoint, S3Options options = {},
                                           uint32_t max_attempts = 10) {
  options.aws.endpoint = endpoint;
  options.aws.max_attempts = max_attempts;
  if (options.bucket.empty()) options.bucket = NewS3Bucket(endpoint);
  const auto environment = [](const char* name) -> std::optional<std::string> {
    const std::string_view variable = name;
    if (variable == "AWS_REGION") return "us-east-1";
    if (variable.starts_with("AWS_ACCESS_KEY_ID") || variable == "AWS_SECRET_ACCESS_KEY") {
      return "S3RVER";
    }
    return std::nullopt;
  };
  const auto session = aws::Session::Open(options.aws, environment);
  EXPECT_TRUE(session.ok()) << session.status();
  auto store = aws::OpenS3ObjectStore(**session, options);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

}  // namespace nanogrid
