#include <memory>

#include "aws/adapter_uri.h"
#include "aws/shared_session.h"
#include "aws/sqs/queue.h"
#include "core/errors.h"

namespace nanogrid {

Status RegisterAws(Registry& registry, const AwsOptions& options) {
  const auto sessions = std::make_shared<aws::SharedSessions>();
  return registry.queues.Add(
      "sqs", [sessions, options](const Uri& uri) -> Result<std::unique_ptr<Queue>> {
        NANOGRID_ASSIGN_OR_RETURN(const SqsOptions sqs, aws::ParseSqsUri(uri, options));
        NANOGRID_ASSIGN_OR_RETURN(const auto session, sessions->Get(sqs.aws));
        return aws::OpenSqsQueue(*session, sqs);
      });
}

}  // namespace nanogrid
