// What this process was told about AWS: region, endpoints, whose credentials.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/instance_metadata.h"
#include "aws/profile.h"
#include "aws/service.h"
#include "nanogrid/adapters/aws.h"

namespace nanogrid::aws {

// The value of an environment variable; none if it is unset or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment ProcessEnvironment();

// Thread-safe once it is made.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // Reads environment and profile files. InvalidArgument and NotFound name the variable or the
  // file; nothing is connected.
  static Result<std::shared_ptr<Session>> Open(
      const AwsOptions& options, const Environment& environment = ProcessEnvironment(),
      const Clock& clock = Clock::System());

  // FailedPrecondition if nothing says which; asks the instance's metadata at last, once.
  // `elsewhere`: for a service that is not AWS's, which seldom cares: us-east-1 rather than to ask.
  Result<std::string> Region(const Context& context, bool elsewhere);
  // The first there is: the options', AWS_ENDPOINT_URL_<ID>, AWS_ENDPOINT_URL, the profile's
  // endpoint_url, AWS's own in `region`.
  Result<Endpoint> EndpointFor(const Service& service, std::string_view region) const;
  // Whether EndpointFor answers another one than AWS's.
  bool HasOwnEndpoint(const Service& service) const { return !OwnEndpoint(service).empty(); }

  // Chosen by what is there, in this order: the options'; AWS_ACCESS_KEY_ID; a web identity
  // (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN); the profile's keys, role or web identity; a
  // container's (AWS_CONTAINER_CREDENTIALS_…); the instance's.
  const std::shared_ptr<CredentialsSource>& credentials() const { return credentials_; }
  // Null if AWS_EC2_METADATA_DISABLED is true.
  InstanceMetadata* metadata() const { return metadata_.get(); }
  const AwsOptions& options() const { return options_; }
  const Clock& clock() const { return clock_; }
  std::optional<std::string> Get(const char* variable) const { return environment_(variable); }
  // A profile as it is in the files now; the default one may be missing.
  Result<Profile> ReadProfile(const std::string& name) const;
  const std::string& profile_name() const { return profile_name_; }

 private:
  Session(AwsOptions options, Environment environment, const Clock& clock)
      : options_(std::move(options)), environment_(std::move(environment)), clock_(clock) {}
  Status Load();
  std::string OwnEndpoint(const Service& service) const;

  const AwsOptions options_;
  const Environment environment_;
  const Clock& clock_;
  std::string profile_name_{};
  Profile profile_{};
  std::shared_ptr<CredentialsSource> credentials_{};
  std::unique_ptr<InstanceMetadata> metadata_{};  // null: switched off
  std::mutex mutex_;
  std::string region_{};
};

}  // namespace nanogrid::aws
