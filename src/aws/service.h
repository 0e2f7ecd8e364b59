// What differs from service to service.
#pragma once

#include <string_view>

namespace nanogrid::aws {

struct Service {
  std::string_view id{};       // in AWS_ENDPOINT_URL_<ID>
  std::string_view host{};     // before ".<region>.amazonaws.com"
  std::string_view signing{};  // its name in signatures
  std::string_view target{};   // JSON: X-Amz-Target is "<target>.<operation>"
  std::string_view json{};     // JSON: "1.0" or "1.1"
  std::string_view version{};  // query protocol: the API's date
};

inline constexpr Service kSqs{"SQS", "sqs", "sqs", "AmazonSQS", "1.0", ""};
inline constexpr Service kDynamoDb{"DYNAMODB",          "dynamodb", "dynamodb",
                                   "DynamoDB_20120810", "1.0",      ""};
inline constexpr Service kSecretsManager{
    "SECRETS_MANAGER", "secretsmanager", "secretsmanager", "secretsmanager", "1.1", ""};
inline constexpr Service kS3{"S3", "s3", "s3", "", "", ""};
inline constexpr Service kSts{"STS", "sts", "sts", "", "", "2011-06-15"};
inline constexpr Service kAutoScaling{"AUTO_SCALING", "autoscaling", "autoscaling", "", "",
                                      "2011-01-01"};
inline constexpr Service kCloudWatch{"CLOUDWATCH", "monitoring", "monitoring",
                                     "",           "",           "2010-08-01"};

}  // namespace nanogrid::aws
