// Secrets of Secrets Manager, remembered for a while.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "aws/client.h"
#include "nanogrid/adapters/aws.h"

namespace nanogrid::aws {

class Session;

class SecretsManager final : public CachedSecretSource {
 public:
  SecretsManager(std::unique_ptr<Client> client, const SecretsManagerOptions& options)
      : client_(std::move(client)), options_(options) {}

  Result<std::string> Get(const Context& context, std::string_view name) override;
  void Forget(std::string_view name) override;

 private:
  struct Entry {
    bool fetching = false;
    uint64_t fetches = 0;  // that have ended
    std::optional<std::string> value{};
    TimePoint fetched{};  // when it was asked for
    bool forgotten = false;
    Status last{};  // of the last fetch
  };
  using Lock = std::unique_lock<std::mutex>;

  Result<std::string> Fetch(const Context& context, std::string_view name);
  Result<std::string> AwaitFetch(Lock& lock, const Context& context, Entry& entry);

  const std::unique_ptr<Client> client_;
  const SecretsManagerOptions options_;
  std::mutex mutex_;
  std::condition_variable_any fetched_;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries_{};
};

Result<SecretsManagerOptions> ParseSecretsManagerUri(const Uri& uri, const AwsOptions& defaults);
Result<std::unique_ptr<SecretsManager>> OpenSecretsManager(Session& session,
                                                           const SecretsManagerOptions& options);

}  // namespace nanogrid::aws
