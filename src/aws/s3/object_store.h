// The object store on S3.
#pragma once

#include <memory>

#include "aws/session.h"
#include "nanogrid/adapters/aws.h"

namespace nanogrid::aws {

Result<S3Options> ParseS3Uri(const Uri& uri, const AwsOptions& defaults);
Result<std::unique_ptr<ObjectStore>> OpenS3ObjectStore(Session& session, const S3Options& options);

}  // namespace nanogrid::aws
