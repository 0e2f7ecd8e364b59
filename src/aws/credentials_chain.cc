#include "aws/credentials_chain.h"

#include <fstream>
#include <sstream>

#include "aws/client.h"
#include "aws/credentials_parse.h"
#include "aws/session.h"
#include "core/backoff.h"
#include "core/errors.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

constexpr size_t kMaxTokenFile = 64 << 10;
constexpr int kMaxRoles = 5;  // of roles that name roles
constexpr char kContainerServer[] = "http://169.254.170.2";

Result<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("credentials: cannot read the token file {}", path);
  std::ostringstream text;
  text << file.rdbuf();
  std::string token = text.str();
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.empty() || token.size() > kMaxTokenFile ||
      token.find_first_of("\r\n") != std::string::npos) {
    return InvalidArgument("credentials: {} must hold one token of at most {} bytes", path,
                           kMaxTokenFile);
  }
  return token;
}

std::string Setting(const Profile& profile, const char* name) {
  const auto found = profile.find(name);
  return found == profile.end() ? "" : found->second;
}

std::string SessionName(const std::string& name) {
  return name.empty() ? "nanogrid-" + MakeRequestId().substr(0, 8) : name;
}

Result<std::unique_ptr<Client>> StsClient(const Context& context, Session& session,
                                          std::shared_ptr<CredentialsSource> credentials) {
  ClientOptions options;
  options.anonymous = credentials == nullptr;
  options.credentials = std::move(credentials);
  options.silence_timeout = std::chrono::seconds(10);
  return Client::Make(context, session, kSts, options);
}

struct WebIdentity {
  std::string token_file{};
  std::string role{};
  std::string session_name{};
};

Result<Credentials> AssumeWithWebIdentity(const Context& context, Session& session,
                                          const WebIdentity& identity) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string token, ReadToken(identity.token_file));
  NANOGRID_ASSIGN_OR_RETURN(const auto sts, StsClient(context, session, nullptr));
  NANOGRID_ASSIGN_OR_RETURN(const XmlElement answer,
                            sts->Query(context, "AssumeRoleWithWebIdentity",
                                       {{"RoleArn", identity.role},
                                        {"RoleSessionName", SessionName(identity.session_name)},
                                        {"WebIdentityToken", token}}));
  return ParseAssumedRole(answer, "AssumeRoleWithWebIdentityResult");
}

Result<Credentials> AssumeRole(const Context& context, Session& session, const Profile& profile,
                               Credentials source) {
  NANOGRID_ASSIGN_OR_RETURN(const auto sts,
                            StsClient(context, session, MakeFixedCredentials(std::move(source))));
  QueryParameters parameters{
      {"RoleArn", Setting(profile, "role_arn")},
      {"RoleSessionName", SessionName(Setting(profile, "role_session_name"))}};
  const std::string external_id = Setting(profile, "external_id");
  if (!external_id.empty()) parameters.emplace_back("ExternalId", external_id);
  const std::string seconds = Setting(profile, "duration_seconds");
  if (!seconds.empty()) parameters.emplace_back("DurationSeconds", seconds);
  NANOGRID_ASSIGN_OR_RETURN(const XmlElement answer, sts->Query(context, "AssumeRole", parameters));
  return ParseAssumedRole(answer, "AssumeRoleResult");
}

Credentials KeysOf(const Profile& profile) {
  return {.access_key_id = Setting(profile, "aws_access_key_id"),
          .secret_access_key = Setting(profile, "aws_secret_access_key"),
          .session_token = Setting(profile, "aws_session_token")};
}

Result<Credentials> EnvironmentKeys(const Session& session) {
  Credentials keys{.access_key_id = session.Get("AWS_ACCESS_KEY_ID").value_or(""),
                   .secret_access_key = session.Get("AWS_SECRET_ACCESS_KEY").value_or(""),
                   .session_token = session.Get("AWS_SESSION_TOKEN").value_or("")};
  if (!keys.secret_access_key.empty()) return keys;
  return InvalidArgument("credentials: AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
}

// A server whose answers may be trusted without TLS: this machine, or the container's host.
Status CheckContainerServer(const Endpoint& endpoint) {
  if (endpoint.server.starts_with("https://")) return absl::OkStatus();
  const std::string_view authority = endpoint.authority;
  const size_t bracket = authority.find(']');
  const std::string_view host = bracket == authority.npos ? authority.substr(0, authority.find(':'))
                                                          : authority.substr(0, bracket + 1);
  for (const std::string_view known :
       {"localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}) {
    if (host == known) return absl::OkStatus();
  }
  return InvalidArgument(
      "AWS_CONTAINER_CREDENTIALS_FULL_URI: '{}' must be https, or this machine or its container "
      "agent",
      endpoint.server);
}

Result<Credentials> ContainerCredentials(const Context& context, const Session& session) {
  const auto relative = session.Get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string uri = relative ? kContainerServer + *relative
                                   : session.Get("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
  const size_t scheme = uri.find("://");
  const size_t slash = scheme == uri.npos ? uri.npos : uri.find('/', scheme + 3);
  NANOGRID_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(uri.substr(0, slash)));
  NANOGRID_RETURN_IF_ERROR(CheckContainerServer(endpoint));
  HttpRequest request{.target = slash == uri.npos ? "/" : uri.substr(slash)};
  std::string authorization = session.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  if (const auto file = session.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    NANOGRID_ASSIGN_OR_RETURN(authorization, ReadToken(*file));
  }
  if (!authorization.empty()) request.headers.Add("Authorization", authorization);
  NANOGRID_ASSIGN_OR_RETURN(const auto client,
                            MakeHttpClient({.server = endpoint.server,
                                            .connect_timeout = std::chrono::seconds(2),
                                            .silence_timeout = std::chrono::seconds(5),
                                            .max_body = 1 << 20}));
  for (Backoff backoff;;) {
    Result<HttpResponse> response = client->Send(context, request);
    if (response.ok() && response->status == 200) return ParseCredentialsJson(response->body);
    const bool again = response.ok() ? response->status >= 500 || response->status == 429
                                     : absl::IsUnavailable(response.status());
    if (!again || backoff.retries() >= 2) {
      if (!response.ok()) return response.status();
      return MakeError(absl::StatusCode::kPermissionDenied,
                       "credentials: the container's agent answers HTTP {}", response->status);
    }
    NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
}

Result<Credentials> InstanceCredentials(const Context& context, Session& session) {
  constexpr char kPath[] = "/latest/meta-data/iam/security-credentials/";
  const auto none = [](std::string_view why) {
    return NotFound(
        "AWS credentials: none in the environment, the profile or a container, and {}; set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role",
        why);
  };
  InstanceMetadata* const metadata = session.metadata();
  if (metadata == nullptr) return none("AWS_EC2_METADATA_DISABLED is true");
  Result<std::string> role = metadata->Get(context, kPath);
  if (!role.ok() && !context.Check(std::chrono::steady_clock::now()).ok()) return role.status();
  if (!role.ok()) {
    return none({role.status().message().data(), role.status().message().size()});
  }
  role->resize(std::min(role->find('\n'), role->size()));
  if (role->empty()) return none("the instance has no role");
  NANOGRID_ASSIGN_OR_RETURN(const std::string answer, metadata->Get(context, kPath + *role));
  return ParseCredentialsJson(answer);
}

// Of the profile `name` as it is now; `depth` counts source profiles.
Result<Credentials> ProfileCredentials(const Context& context, Session& session,
                                       const std::string& name, int depth) {
  NANOGRID_ASSIGN_OR_RETURN(const Profile profile, session.ReadProfile(name));
  const std::string role = Setting(profile, "role_arn");
  const std::string token_file = Setting(profile, "web_identity_token_file");
  const Credentials keys = KeysOf(profile);
  // A profile may name itself as the source of the keys for its role.
  const std::string source = Setting(profile, "source_profile");
  if (!role.empty() && (depth == 0 || source != name)) {
    if (!token_file.empty()) {
      return AssumeWithWebIdentity(context, session,
                                   {token_file, role, Setting(profile, "role_session_name")});
    }
    if (depth >= kMaxRoles) {
      return InvalidArgument("AWS profile '{}': source_profile leads around more than {} profiles",
                             name, kMaxRoles);
    }
    const std::string place = Setting(profile, "credential_source");
    Result<Credentials> from =
        source == name            ? Result<Credentials>(keys)
        : !source.empty()         ? ProfileCredentials(context, session, source, depth + 1)
        : place == "Environment"  ? EnvironmentKeys(session)
        : place == "EcsContainer" ? ContainerCredentials(context, session)
        : place == "Ec2InstanceMetadata"
            ? InstanceCredentials(context, session)
            : Result<Credentials>(InvalidArgument(
                  "AWS profile '{}': role_arn needs source_profile or credential_source", name));
    if (!from.ok()) return from.status();
    return AssumeRole(context, session, profile, *std::move(from));
  }
  if (!keys.access_key_id.empty() && !keys.secret_access_key.empty()) return keys;
  return InvalidArgument("AWS profile '{}': has neither keys nor a role", name);
}

FetchCredentials ChooseSource(Session& session) {
  if (session.options().profile.empty()) {
    if (session.Get("AWS_ACCESS_KEY_ID")) {
      return [&session](const Context&) { return EnvironmentKeys(session); };
    }
    const auto token_file = session.Get("AWS_WEB_IDENTITY_TOKEN_FILE");
    const auto role = session.Get("AWS_ROLE_ARN");
    if (token_file && role) {
      const WebIdentity identity{*token_file, *role,
                                 session.Get("AWS_ROLE_SESSION_NAME").value_or("")};
      return [&session, identity](const Context& context) {
        return AssumeWithWebIdentity(context, session, identity);
      };
    }
  }
  const std::string& name = session.profile_name();
  const Result<Profile> profile = session.ReadProfile(name);
  if (profile.ok() && (profile->contains("aws_access_key_id") || profile->contains("role_arn"))) {
    return [&session, name](const Context& context) {
      return ProfileCredentials(context, session, name, 0);
    };
  }
  if (session.Get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
      session.Get("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    return [&session](const Context& context) { return ContainerCredentials(context, session); };
  }
  return [&session](const Context& context) { return InstanceCredentials(context, session); };
}

}  // namespace

std::shared_ptr<CredentialsSource> MakeCredentials(Session& session) {
  return MakeCachedCredentials(ChooseSource(session), session.clock());
}

}  // namespace nanogrid::aws
