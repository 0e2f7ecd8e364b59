#include "fleet/mission_variables.h"

#include <fmt/format.h>

#include <string_view>

#include "nanogrid/uri.h"

namespace nanogrid {

std::string QueueUriOfUrl(const std::string& url) {
  const Result<Uri> parsed = Uri::Parse(url);
  const size_t slash = url.rfind('/');
  if (!parsed.ok() || parsed->host.empty() || parsed->path.size() < 2 || slash + 1 == url.size()) {
    return url;
  }
  if (parsed->scheme == "https" && parsed->host.ends_with(".amazonaws.com")) {
    return fmt::format("sqs:{}", std::string_view(url).substr(url.find(':') + 1));
  }
  if (parsed->scheme != "http" && parsed->scheme != "https") return url;
  const Uri endpoint{
      .scheme = parsed->scheme, .host = parsed->host, .port = parsed->port, .has_authority = true};
  return fmt::format("sqs:{}?endpoint={}", url.substr(slash + 1), endpoint.ToString());
}

std::vector<MissionValue> MissionVariables(
    const std::map<std::string, std::string, std::less<>>& environment) {
  std::vector<MissionValue> values;
  const auto value_of = [&environment](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  const auto take = [&](std::string_view setting, const std::string& variable, auto to_text) {
    const std::string value = value_of(variable);
    if (!value.empty()) values.push_back({std::string(setting), to_text(value), variable});
  };
  const auto bucket = [](std::string_view scheme) {
    return [scheme](const std::string& name) { return fmt::format("{}://{}", scheme, name); };
  };
  take("queue", "SQS_QUEUE_URL", QueueUriOfUrl);
  take("jobs", "REDIS_HOST", [&](const std::string& host) {
    const std::string port = value_of("REDIS_PORT");
    return fmt::format("redis://{}{}{}", host, port.empty() ? "" : ":", port);
  });
  take("objects", "S3_CODE_BUCKET", bucket("s3"));
  take("user_data", "S3_USER_DATA_BUCKET", bucket("s3"));
  take("mirror", "GCP_BUCKET_NAME", bucket("gs"));
  take("ai_endpoint", "AI_ENDPOINT", [](const std::string& url) { return url; });
  return values;
}

}  // namespace nanogrid
