#include "api/api.h"
#include "core/errors.h"
#include "http/address.h"
#include "http/transport.h"

namespace nanogrid {
namespace {

class Server final : public HttpServer {
 public:
  Server(Controller& controller, HttpServerOptions options)
      : options_(std::move(options)), api_(controller, options_) {}
  ~Server() override { Stop({.deadline = TimePoint{}}); }

  Status Start(const ListenAddress& address) {
    NANOGRID_ASSIGN_OR_RETURN(transport_, StartTransport(options_.listen, options_.limits, api_));
    api_.SetTransport(transport_.get());
    url_ = "http://" + FormatAddress(address.host, transport_->port());
    return absl::OkStatus();
  }

  std::string url() const override { return url_; }
  void Stop(const Context& context) override {
    if (transport_ != nullptr) transport_->Stop(context);
    api_.Stop();
  }

 private:
  const HttpServerOptions options_;
  std::string url_{};
  // Outlived by those who answer through it, until they are stopped.
  std::unique_ptr<HttpTransport> transport_{};
  Api api_;
};

Status CheckOptions(const HttpServerOptions& options) {
  const HttpLimits& limits = options.limits;
  if (limits.max_connections == 0) return InvalidArgument("max_connections: must not be 0");
  if (limits.max_header < 1024 || limits.max_header > 1 << 20) {
    return InvalidArgument("max_header: {}, must be from 1 KiB to 1 MiB", limits.max_header);
  }
  if (options.call_threads == 0 || options.call_threads > 1000) {
    return InvalidArgument("call_threads: {}, must be from 1 to 1000", options.call_threads);
  }
  if (options.registration_threads == 0 || options.registration_threads > 1000) {
    return InvalidArgument("registration_threads: {}, must be from 1 to 1000",
                           options.registration_threads);
  }
  return absl::OkStatus();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> ServeHttp(Controller& controller,
                                              const HttpServerOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckOptions(options));
  NANOGRID_ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(options.listen));
  if (!address.loopback && options.tokens.empty()) {
    return FailedPrecondition(
        "listen {}: is reached from other machines; give tokens (--token-file), or listen on "
        "127.0.0.1",
        options.listen);
  }
  HttpServerOptions settled = options;
  if (settled.spool_dir.empty()) settled.spool_dir = "/var/tmp";
  auto server = std::make_unique<Server>(controller, std::move(settled));
  NANOGRID_RETURN_IF_ERROR(server->Start(address));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace nanogrid
