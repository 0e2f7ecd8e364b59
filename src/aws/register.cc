#include <memory>

#include "aws/adapter_uri.h"
#include "aws/dynamodb/stores.h"
#include "aws/s3/object_store.h"
#include "aws/secrets/secrets_manager.h"
#include "aws/shared_session.h"
#include "aws/sqs/queue.h"
#include "core/errors.h"

namespace nanogrid {

Status RegisterAws(Registry& registry, const AwsOptions& options) {
  const auto sessions = std::make_shared<aws::SharedSessions>();
  NANOGRID_RETURN_IF_ERROR(registry.catalogs.Add(
      "dynamodb", [sessions, options](const Uri& uri) -> Result<std::unique_ptr<FunctionCatalog>> {
        NANOGRID_ASSIGN_OR_RETURN(const DynamoDbOptions db, ParseDynamoDbUri(uri, options));
        NANOGRID_ASSIGN_OR_RETURN(const auto session, sessions->Get(db.aws));
        NANOGRID_ASSIGN_OR_RETURN(auto table, aws::OpenTable(*session, db));
        return aws::MakeFunctionCatalog(std::move(table), *db.clock);
      }));
  NANOGRID_RETURN_IF_ERROR(registry.job_stores.Add(
      "dynamodb", [sessions, options](const Uri& uri) -> Result<std::unique_ptr<JobStore>> {
        NANOGRID_ASSIGN_OR_RETURN(const DynamoDbOptions db, ParseDynamoDbUri(uri, options));
        NANOGRID_ASSIGN_OR_RETURN(const auto session, sessions->Get(db.aws));
        NANOGRID_ASSIGN_OR_RETURN(auto table, aws::OpenTable(*session, db));
        return aws::MakeJobStore(std::move(table), db);
      }));
  NANOGRID_RETURN_IF_ERROR(registry.object_stores.Add(
      "s3", [sessions, options](const Uri& uri) -> Result<std::unique_ptr<ObjectStore>> {
        NANOGRID_ASSIGN_OR_RETURN(const S3Options s3, aws::ParseS3Uri(uri, options));
        NANOGRID_ASSIGN_OR_RETURN(const auto session, sessions->Get(s3.aws));
        return aws::OpenS3ObjectStore(*session, s3);
      }));
  NANOGRID_RETURN_IF_ERROR(registry.secrets.Add(
      "secretsmanager",
      [sessions, options](const Uri& uri) -> Result<std::unique_ptr<SecretSource>> {
        NANOGRID_ASSIGN_OR_RETURN(const auto secrets, aws::ParseSecretsManagerUri(uri, options));
        NANOGRID_ASSIGN_OR_RETURN(const auto session, sessions->Get(secrets.aws));
        return aws::OpenSecretsManager(*session, secrets);
      }));
  return registry.queues.Add(
      "sqs", [sessions, options](const Uri& uri) -> Result<std::unique_ptr<Queue>> {
        NANOGRID_ASSIGN_OR_RETURN(const SqsOptions sqs, aws::ParseSqsUri(uri, options));
        NANOGRID_ASSIGN_OR_RETURN(const auto session, sessions->Get(sqs.aws));
        return aws::OpenSqsQueue(*session, sqs);
      });
}

}  // namespace nanogrid
