// A web service in this process that answers what a test says.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/transport.h"

namespace nanogrid {

class FakeService final : public HttpHandler {
 public:
  // Called on one thread, one request after the other.
  using Answer = std::function<HttpResponse(const HttpRequest&)>;

  explicit FakeService(Answer answer) : answer_(std::move(answer)) {
    auto transport = StartTransport("127.0.0.1:0", limits_, *this);
    EXPECT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
  }
  ~FakeService() override { transport_.reset(); }
  FakeService(const FakeService&) = delete;
  FakeService& operator=(const FakeService&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(transport_->port()); }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  HttpAdmission Admit(const HttpRequest&) override { return {.max_body = 16 << 20}; }
  void Handle(HttpRequest request, std::shared_ptr<void>,
              std::shared_ptr<HttpResponder> responder) override {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    responder->Send(answer_(request));
  }
  HttpResponse Refuse(int status, std::string_view) override { return {.status = status}; }
  void Observe(int, const std::string&, int, Duration) override {}

 private:
  const HttpLimits limits_{};
  const Answer answer_;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::unique_ptr<HttpTransport> transport_;
};

}  // namespace nanogrid
