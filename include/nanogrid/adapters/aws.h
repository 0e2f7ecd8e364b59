// Amazon Web Services, and what speaks their protocols: docs/adapters.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "nanogrid/clock.h"
#include "nanogrid/queue.h"
#include "nanogrid/registry.h"
#include "nanogrid/secret_source.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// What all of these adapters take. Everything empty: as AWS's own tools have it, from the
// environment, the profile files, the container or the instance. Keys are never options.
struct AwsOptions {
  std::string region{};       // AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's
  std::string endpoint{};     // "http://127.0.0.1:5000": instead of AWS's own
  std::string profile{};      // AWS_PROFILE, "default"
  std::string ca_file{};      // PEM: whom alone to trust; AWS_CA_BUNDLE, the system's
  uint32_t max_attempts = 3;  // of a call that may be repeated, the first included
};

// A queue on SQS. Messages are delivered to whoever receives first, also if somebody else has sent
// them. Bodies: no control characters but tab and line ends.
struct SqsOptions {
  AwsOptions aws{};
  // Its name, ".fifo" at its end for a FIFO queue; or its URL.
  std::string queue{};
  // FIFO: messages of a group are delivered in their order, none while earlier ones are leased.
  // Empty: each message is a group, without any order. A FIFO queue refuses delays.
  std::string group = "nanogrid";
  // Of a long poll, 1..20 s. One that nobody waits for any more goes on for so long; what it
  // receives is given to the next Receive, or back after a second.
  Duration wait = std::chrono::seconds(20);
  // Ack returns at once; what was acknowledged meanwhile is deleted together, at the latest then,
  // and again until the lease ends. A process that dies in between gets messages delivered again.
  // Its error is why those before were refused for good: no permission, no such queue.
  // None: 1 s, and 50 ms of a FIFO queue, whose next messages wait for it.
  std::optional<Duration> ack_linger{};
  // No lease lasts longer, however often it is extended: 1 s..12 h, what SQS allows. Extend cuts a
  // lease to what is left, and answers it as lost if that is nothing.
  Duration max_lease = std::chrono::hours(12);
};

// NotFound, PermissionDenied and the like come with the first call. InvalidArgument names the
// option; FailedPrecondition: no region.
Result<std::unique_ptr<Queue>> MakeSqsQueue(const SqsOptions& options);
// "sqs://NAME", "sqs:Name" (a URI's host is lower case), or
// "sqs://sqs.eu-west-1.amazonaws.com/123456789012/Name", each with
// "?region=…&endpoint=…&profile=…&ca=…&group=…&wait=20s&ack_linger=1s&max_lease=12h"
Result<std::unique_ptr<Queue>> MakeSqsQueue(const Uri& uri);

// Objects in a bucket of S3, or of what speaks its protocol.
struct S3Options {
  AwsOptions aws{};
  std::string bucket{};
  std::string prefix{};  // of all keys, "env/prod"; no slash at its ends
  // The bucket in the path rather than in the host's name. None: at AWS in the host, elsewhere in
  // the path.
  std::optional<bool> path_style{};
  // Larger objects are uploaded in parts of so many bytes, each in memory until it is sure: 5 MiB
  // to 1 GiB. An object has at most 10,000.
  uint64_t part_bytes = 8 << 20;
};

// Connects with the first call. if_absent needs conditional writes (If-None-Match), which S3 has
// and not everything that is like it.
Result<std::unique_ptr<ObjectStore>> MakeS3ObjectStore(const S3Options& options);
// "s3://bucket[/prefix][?region=…&endpoint=…&profile=…&ca=…&path_style=true&part_bytes=8M]"
Result<std::unique_ptr<ObjectStore>> MakeS3ObjectStore(const Uri& uri);

// Secrets Manager, as a source that remembers.
struct SecretsManagerOptions {
  AwsOptions aws{};
  std::string prefix{};  // before every name: "nanogrid/"
  // How old an answer may be; 0: every Get asks (once for all that ask at the same time). While the
  // service has trouble the last value does, for an hour at most.
  Duration ttl = std::chrono::minutes(5);
  const Clock* clock = &Clock::System();  // outlives what is made
};

class CachedSecretSource : public SecretSource {
 public:
  // The next Get asks: this value has been refused somewhere.
  virtual void Forget(std::string_view name) = 0;
};

// A secret's text, or its bytes if it is binary. Thread-safe.
Result<std::unique_ptr<CachedSecretSource>> MakeSecretsManager(
    const SecretsManagerOptions& options = {});
// "secretsmanager:?region=…&endpoint=…&profile=…&ca=…&prefix=nanogrid/&ttl=5m"
Result<std::unique_ptr<SecretSource>> MakeSecretsManager(const Uri& uri);

// Adds the schemes of this build's AWS adapters: sqs, s3, dynamodb, secretsmanager. They share a
// session, which is opened with the first of them: credentials are fetched once for all.
Status RegisterAws(Registry& registry, const AwsOptions& options = {});

}  // namespace nanogrid
