// Requests to Google Cloud Storage: with a token, and again when that may help.
#pragma once

#include <memory>
#include <string>

#include "core/backoff.h"
#include "gcp/token_cache.h"
#include "http/pool.h"

namespace nanogrid::gcp {

// An answer that is not transient, or the last one.
struct Answer {
  HttpResponse response{};
  // An attempt before it may have been carried out without our knowing.
  bool repeated_blindly = false;
};

// Thread-safe.
class Calls {
 public:
  struct Options {
    uint32_t max_attempts = 6;
    BackoffOptions backoff{};
  };
  // `tokens` may be null: nobody.
  Calls(std::unique_ptr<HttpPool> pool, std::unique_ptr<TokenCache> tokens, const Options& options)
      : pool_(std::move(pool)), tokens_(std::move(tokens)), options_(options) {}

  // Until the server answers something that is not transient.
  Result<Answer> Send(const Context& context, const HttpRequest& request);
  // Once; but again with a new token if the server does not take this one. A successful answer's
  // body goes to on_body, any other's is kept.
  Result<HttpResponse> StreamOnce(const Context& context, const HttpRequest& request,
                                  const HttpClient::OnBody& on_body);
  Result<HttpResponse> SendOnce(const Context& context, const HttpRequest& request);

  const Options& options() const { return options_; }

 private:
  const std::unique_ptr<HttpPool> pool_;
  const std::unique_ptr<TokenCache> tokens_;
  const Options options_;
};

// The attempts of one operation: waits between them, and says when it is enough.
class Attempts {
 public:
  explicit Attempts(const Calls::Options& options)
      : left_(options.max_attempts), options_(options), backoff_(options.backoff) {}

  // After `failed`, transient: OK to try again; else the error to answer. `response` may ask for a
  // pause.
  Status Next(const Context& context, Status failed, const HttpResponse* response = nullptr);
  // Something was achieved: counts from the beginning.
  void Reset();

 private:
  uint32_t left_;
  const Calls::Options options_;
  Backoff backoff_;
};

}  // namespace nanogrid::gcp
