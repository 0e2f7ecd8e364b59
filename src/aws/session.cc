#include "aws/session.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "aws/credentials_chain.h"
#include "core/errors.h"

namespace nanogrid::aws {
namespace {

constexpr size_t kMaxFile = 4 << 20;

// A file that is not there is an empty one.
Result<Profiles> ReadProfiles(const std::string& path, ProfileFile kind) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Profiles{};
  std::ostringstream text;
  text << file.rdbuf();
  if (text.view().size() > kMaxFile) {
    return InvalidArgument("{}: of {} bytes; at most {}", path, text.view().size(), kMaxFile);
  }
  Result<Profiles> profiles = ParseProfiles(text.view(), kind);
  if (profiles.ok()) return profiles;
  return InvalidArgument("{}: {}", path, std::string(profiles.status().message()));
}

bool IsTrue(const std::optional<std::string>& value) { return value == "true" || value == "True"; }

}  // namespace

Environment ProcessEnvironment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Result<std::shared_ptr<Session>> Session::Open(const AwsOptions& options,
                                               const Environment& environment, const Clock& clock) {
  std::shared_ptr<Session> session(new Session(options, environment, clock));
  if (options.max_attempts == 0) return InvalidArgument("max_attempts 0: must be at least 1");
  NANOGRID_RETURN_IF_ERROR(session->Load());
  session->credentials_ = MakeCredentials(*session);
  return session;
}

Status Session::Load() {
  profile_name_ = !options_.profile.empty() ? options_.profile
                                            : environment_("AWS_PROFILE").value_or("default");
  NANOGRID_ASSIGN_OR_RETURN(profile_, ReadProfile(profile_name_));
  region_ = options_.region;
  for (const char* const name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (region_.empty()) region_ = environment_(name).value_or("");
  }
  if (region_.empty()) {
    if (const auto found = profile_.find("region"); found != profile_.end())
      region_ = found->second;
  }
  if (!region_.empty()) NANOGRID_RETURN_IF_ERROR(CheckRegion(region_));
  if (!IsTrue(environment_("AWS_EC2_METADATA_DISABLED"))) {
    const std::string server =
        environment_("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(kInstanceMetadataServer);
    NANOGRID_ASSIGN_OR_RETURN(metadata_, InstanceMetadata::Make(server));
  }
  return absl::OkStatus();
}

Result<Profile> Session::ReadProfile(const std::string& name) const {
  const std::string home = environment_("HOME").value_or("");
  const std::string config_path =
      environment_("AWS_CONFIG_FILE").value_or(home.empty() ? "" : home + "/.aws/config");
  const std::string credentials_path =
      environment_("AWS_SHARED_CREDENTIALS_FILE")
          .value_or(home.empty() ? "" : home + "/.aws/credentials");
  NANOGRID_ASSIGN_OR_RETURN(const Profiles config, ReadProfiles(config_path, ProfileFile::kConfig));
  NANOGRID_ASSIGN_OR_RETURN(const Profiles credentials,
                            ReadProfiles(credentials_path, ProfileFile::kCredentials));
  if (name != "default" && !config.contains(name) && !credentials.contains(name)) {
    return NotFound("AWS profile '{}': is neither in {} nor in {}", name, config_path,
                    credentials_path);
  }
  return MergeProfiles(config, credentials, name);
}

Result<std::string> Session::Region(const Context& context, bool elsewhere) {
  {
    const std::lock_guard lock(mutex_);
    if (!region_.empty()) return region_;
  }
  if (elsewhere) return std::string("us-east-1");
  std::string region;
  if (metadata_ != nullptr) {
    Result<std::string> answer = metadata_->Get(context, "/latest/meta-data/placement/region");
    if (answer.ok() && CheckRegion(*answer).ok()) region = *answer;
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
  }
  if (region.empty()) {
    return FailedPrecondition(
        "AWS region: nothing says which; set AWS_REGION, 'region' in the profile '{}' or "
        "?region= in the URI",
        profile_name_);
  }
  const std::lock_guard lock(mutex_);
  return region_ = region;
}

std::string Session::OwnEndpoint(const Service& service) const {
  if (!options_.endpoint.empty()) return options_.endpoint;
  if (IsTrue(environment_("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))) return "";
  const std::string specific = "AWS_ENDPOINT_URL_" + std::string(service.id);
  if (auto url = environment_(specific.c_str())) return *url;
  if (auto url = environment_("AWS_ENDPOINT_URL")) return *url;
  const auto found = profile_.find("endpoint_url");
  return found == profile_.end() ? "" : found->second;
}

Result<Endpoint> Session::EndpointFor(const Service& service, std::string_view region) const {
  const std::string own = OwnEndpoint(service);
  return own.empty() ? RegionalEndpoint(service.host, region) : ParseEndpoint(own);
}

}  // namespace nanogrid::aws
