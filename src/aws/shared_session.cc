#include "aws/shared_session.h"

#include "core/errors.h"

namespace nanogrid::aws {

Result<std::shared_ptr<Session>> SharedSessions::Get(const AwsOptions& options) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Session>& session : sessions_) {
    const AwsOptions& its = session->options();
    if (its.profile == options.profile && its.ca_file == options.ca_file &&
        its.max_attempts == options.max_attempts) {
      return session;
    }
  }
  AwsOptions common = options;
  common.region.clear();
  common.endpoint.clear();
  NANOGRID_ASSIGN_OR_RETURN(auto session, Session::Open(common));
  return sessions_.emplace_back(std::move(session));
}

}  // namespace nanogrid::aws
