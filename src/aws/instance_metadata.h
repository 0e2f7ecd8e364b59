// The instance metadata service of EC2, version 2 (a session token for every look).
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "http/pool.h"
#include "nanogrid/context.h"

namespace nanogrid::aws {

inline constexpr char kInstanceMetadataServer[] = "http://169.254.169.254";

// Thread-safe.
class InstanceMetadata {
 public:
  // InvalidArgument names what is wrong with the server's URL.
  static Result<std::unique_ptr<InstanceMetadata>> Make(const std::string& server);

  // What lies at `path`, such as "/latest/meta-data/instance-id". NotFound: nothing; Unavailable:
  // this is no EC2 instance, or the service does not answer (a second or two); PermissionDenied: it
  // is switched off.
  Result<std::string> Get(const Context& context, const std::string& path);

 private:
  explicit InstanceMetadata(std::unique_ptr<HttpPool> pool) : pool_(std::move(pool)) {}
  Result<std::string> Token(const Context& context);
  void Forget(const std::string& token);
  Result<HttpResponse> Send(const Context& context, const HttpRequest& request);

  const std::unique_ptr<HttpPool> pool_;
  std::mutex mutex_;
  std::string token_{};
};

}  // namespace nanogrid::aws
