#include <algorithm>

#include "aws/adapter_uri.h"
#include "aws/endpoint.h"
#include "aws/session.h"
#include "aws/sqs/queue.h"
#include "core/errors.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace aws {
namespace {

Status CheckOption(const char* name, Duration value, Duration least, Duration most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return InvalidArgument("{} {}: must be {} to {}", name, FormatDuration(value),
                         FormatDuration(least), FormatDuration(most));
}

// 1..80 letters, digits, '-' and '_', perhaps ".fifo".
Status CheckQueueName(std::string_view name) {
  std::string_view stem = name;
  if (stem.ends_with(".fifo")) stem.remove_suffix(5);
  const bool valid = !stem.empty() && name.size() <= 80 &&
                     std::all_of(stem.begin(), stem.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '-' || c == '_';
                     });
  if (valid) return absl::OkStatus();
  return InvalidArgument(
      "queue '{}': must be 1 to 80 letters, digits, '-' and '_', and .fifo at the end of a FIFO "
      "queue's name",
      name);
}

Status CheckOptions(const SqsOptions& options) {
  using std::chrono::hours, std::chrono::milliseconds, std::chrono::seconds;
  NANOGRID_RETURN_IF_ERROR(CheckOption("wait", options.wait, seconds(1), kSqsMaxWait));
  NANOGRID_RETURN_IF_ERROR(CheckOption("ack_linger", options.ack_linger.value_or(Duration(0)),
                                       milliseconds(0), seconds(5)));
  NANOGRID_RETURN_IF_ERROR(CheckOption("max_lease", options.max_lease, seconds(1), kSqsMaxLease));
  if (options.group.size() > 128) return InvalidArgument("group: at most 128 characters");
  const size_t scheme = options.queue.find("://");
  if (scheme == std::string::npos) return CheckQueueName(options.queue);
  NANOGRID_ASSIGN_OR_RETURN(const Endpoint url, ParseEndpoint(options.queue));
  return CheckQueueName(std::string_view(url.path).substr(url.path.rfind('/') + 1));
}

// Of "sqs.eu-west-1.amazonaws.com[.cn]" and "eu-west-1.queue.amazonaws.com"; empty: none is named.
std::string RegionOf(std::string_view host) {
  if (host.find(".amazonaws.") == std::string_view::npos) return "";
  if (host.starts_with("sqs.")) {
    host.remove_prefix(4);
    return std::string(host.substr(0, host.find('.')));
  }
  const size_t queue = host.find(".queue.");
  return queue == std::string_view::npos ? "" : std::string(host.substr(0, queue));
}

}  // namespace

Result<SqsOptions> ParseSqsUri(const Uri& uri, const AwsOptions& defaults) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery(
      {"region", "endpoint", "profile", "ca", "group", "wait", "ack_linger", "max_lease"}));
  SqsOptions options{.aws = WithQuery(defaults, uri)};
  if (!uri.has_authority) {
    options.queue = uri.path;
  } else if (uri.path.empty() || uri.path == "/") {
    options.queue = uri.host;
  } else {
    const std::string authority =
        uri.port == 0 ? uri.host : fmt::format("{}:{}", uri.host, uri.port);
    options.queue = "https://" + authority + uri.path;
    if (options.aws.endpoint.empty()) options.aws.endpoint = "https://" + authority;
    if (options.aws.region.empty()) options.aws.region = RegionOf(uri.host);
  }
  if (const std::string* const group = QueryValue(uri, "group")) options.group = *group;
  for (const auto& [name, option] :
       {std::pair("wait", &options.wait), std::pair("max_lease", &options.max_lease)}) {
    if (const std::string* const value = QueryValue(uri, name)) {
      NANOGRID_ASSIGN_OR_RETURN(*option, ParseDuration(name, *value));
    }
  }
  if (const std::string* const value = QueryValue(uri, "ack_linger")) {
    NANOGRID_ASSIGN_OR_RETURN(options.ack_linger, ParseDuration("ack_linger", *value));
  }
  NANOGRID_RETURN_IF_ERROR(CheckOptions(options));
  return options;
}

Result<std::unique_ptr<SqsQueue>> OpenSqsQueue(Session& session, const SqsOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckOptions(options));
  ClientOptions client_options{.region = options.aws.region, .endpoint = options.aws.endpoint};
  NANOGRID_ASSIGN_OR_RETURN(auto client, Client::Make(Context{}, session, kSqs, client_options));
  auto calls = std::make_unique<SqsCalls>(std::move(client), options.queue);
  return std::make_unique<SqsQueue>(std::move(calls), options);
}

}  // namespace aws

Result<std::unique_ptr<Queue>> MakeSqsQueue(const SqsOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  return aws::OpenSqsQueue(*session, options);
}

Result<std::unique_ptr<Queue>> MakeSqsQueue(const Uri& uri) {
  NANOGRID_ASSIGN_OR_RETURN(const SqsOptions options, aws::ParseSqsUri(uri, {}));
  return MakeSqsQueue(options);
}

}  // namespace nanogrid
