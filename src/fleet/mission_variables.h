// The environment variables of the first platform's workers, as settings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nanogrid/status.h"

namespace nanogrid {

struct MissionValue {
  std::string setting{};
  std::string text{};
  std::string variable{};
};

// SQS_QUEUE_URL → queue, REDIS_HOST and REDIS_PORT → jobs, S3_CODE_BUCKET → objects,
// S3_USER_DATA_BUCKET → user_data, GCP_BUCKET_NAME → mirror, AI_ENDPOINT → ai_endpoint. Empty ones
// count as absent. A value that cannot be understood is passed on as it is, so that the check of
// the setting tells. GOOGLE_APPLICATION_CREDENTIALS is read by gs: itself.
std::vector<MissionValue> MissionVariables(
    const std::map<std::string, std::string, std::less<>>& environment);

// "https://sqs.eu-west-1.amazonaws.com/123456789012/tasks" →
// "sqs://sqs.eu-west-1.amazonaws.com/123456789012/tasks";
// "http://127.0.0.1:5000/123456789012/tasks" → "sqs:tasks?endpoint=http://127.0.0.1:5000".
std::string QueueUriOfUrl(const std::string& url);

}  // namespace nanogrid
