#include "aws/secrets/secrets_manager.h"

#include "aws/adapter_uri.h"
#include "aws/secrets/secret_json.h"
#include "aws/session.h"
#include "core/errors.h"
#include "core/names.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace aws {
namespace {

// How long an old value does while the service has trouble.
constexpr Duration kMaxStale = std::chrono::hours(1);
constexpr size_t kMaxEntries = 10'000;

TimePoint Now() { return std::chrono::steady_clock::now(); }

bool IsTrouble(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

}  // namespace

Result<std::string> SecretsManager::Get(const Context& context, std::string_view name) {
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  NANOGRID_RETURN_IF_ERROR(CheckSecretName(name));
  Lock lock(mutex_);
  if (entries_.size() >= kMaxEntries) {
    std::erase_if(entries_, [](const auto& each) { return !each.second->fetching; });
  }
  std::shared_ptr<Entry>& place = entries_[std::string(name)];
  if (place == nullptr) place = std::make_shared<Entry>();
  const std::shared_ptr<Entry> entry = place;
  const Duration age = options_.clock->Now() - entry->fetched;
  if (entry->value && !entry->forgotten && age < options_.ttl) return *entry->value;
  if (entry->fetching) return AwaitFetch(lock, context, *entry);
  entry->fetching = true;
  const TimePoint asked = options_.clock->Now();
  lock.unlock();
  Result<std::string> secret = Fetch(context, name);
  lock.lock();
  entry->fetching = false;
  ++entry->fetches;
  entry->last = secret.status();
  if (secret.ok()) {
    entry->value = *secret;
    entry->fetched = asked;
    entry->forgotten = false;
  } else if (absl::IsNotFound(secret.status())) {
    entry->value.reset();
  }
  fetched_.notify_all();
  const bool stale_does = entry->value && !entry->forgotten && IsTrouble(entry->last) &&
                          options_.clock->Now() - entry->fetched < kMaxStale;
  return stale_does ? *entry->value : secret;
}

Result<std::string> SecretsManager::AwaitFetch(Lock& lock, const Context& context, Entry& entry) {
  const auto ended = [&entry, seen = entry.fetches] { return entry.fetches != seen; };
  if (context.deadline == TimePoint::max()) {
    fetched_.wait(lock, context.stop, ended);
  } else {
    fetched_.wait_until(lock, context.stop, context.deadline, ended);
  }
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  if (entry.value && (entry.last.ok() || IsTrouble(entry.last))) return *entry.value;
  return entry.last;
}

void SecretsManager::Forget(std::string_view name) {
  const Lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found != entries_.end()) found->second->forgotten = true;
}

Result<std::string> SecretsManager::Fetch(const Context& context, std::string_view name) {
  const std::string id = options_.prefix + std::string(name);
  const auto answer = client_->Json(context, "GetSecretValue", GetSecretJson(id));
  if (absl::IsNotFound(answer.status())) {
    return NotFound("there is no secret '{}' in Secrets Manager, region {}", id, client_->region());
  }
  if (!answer.ok()) return answer.status();
  return ParseSecret(*answer);
}

Result<SecretsManagerOptions> ParseSecretsManagerUri(const Uri& uri, const AwsOptions& defaults) {
  NANOGRID_RETURN_IF_ERROR(
      uri.CheckQuery({"region", "endpoint", "profile", "ca", "prefix", "ttl"}));
  if (!uri.host.empty() || !uri.path.empty()) {
    return InvalidArgument("'{}': must be secretsmanager:, a prefix of names is ?prefix=",
                           uri.ToString());
  }
  SecretsManagerOptions options{.aws = WithQuery(defaults, uri)};
  if (const std::string* const prefix = QueryValue(uri, "prefix")) options.prefix = *prefix;
  if (const std::string* const ttl = QueryValue(uri, "ttl")) {
    NANOGRID_ASSIGN_OR_RETURN(options.ttl, ParseDuration("ttl", *ttl));
  }
  return options;
}

Result<std::unique_ptr<SecretsManager>> OpenSecretsManager(Session& session,
                                                           const SecretsManagerOptions& options) {
  if (options.ttl < Duration(0)) return InvalidArgument("ttl: must not be negative");
  NANOGRID_ASSIGN_OR_RETURN(
      auto client, Client::Make(Context{}, session, kSecretsManager,
                                {.region = options.aws.region, .endpoint = options.aws.endpoint}));
  return std::make_unique<SecretsManager>(std::move(client), options);
}

}  // namespace aws

Result<std::unique_ptr<CachedSecretSource>> MakeSecretsManager(
    const SecretsManagerOptions& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  return aws::OpenSecretsManager(*session, options);
}

Result<std::unique_ptr<SecretSource>> MakeSecretsManager(const Uri& uri) {
  NANOGRID_ASSIGN_OR_RETURN(const auto options, aws::ParseSecretsManagerUri(uri, {}));
  return MakeSecretsManager(options);
}

}  // namespace nanogrid
