// The responder of one request: carries calls from any thread to the session's.
#pragma once

#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <memory>

#include "http/session.h"

namespace nanogrid {

class Exchange final : public HttpResponder {
 public:
  Exchange(std::shared_ptr<Session> session, uint64_t id) : session_(std::move(session)), id_(id) {}
  ~Exchange() override {
    if (!answered_) Call([](Session& session, uint64_t id) { session.OnAbandoned(id); });
  }

  void Send(HttpResponse response) override {
    answered_ = true;
    Call([response = std::move(response)](Session& session, uint64_t id) mutable {
      session.OnSend(id, std::move(response));
    });
  }
  void Begin(HttpResponse head, std::string heartbeat) override {
    Call([head = std::move(head), heartbeat = std::move(heartbeat)](Session& session,
                                                                    uint64_t id) mutable {
      session.OnBegin(id, head, std::move(heartbeat));
    });
  }
  void Write(std::string bytes, Callback sent) override {
    Call([bytes = std::move(bytes), sent = std::move(sent)](Session& session, uint64_t id) mutable {
      session.OnWrite(id, bytes, std::move(sent));
    });
  }
  void End() override {
    answered_ = true;
    Call([](Session& session, uint64_t id) { session.OnStreamEnd(id); });
  }
  void AllowLateHead(HttpResponse head, std::string heartbeat) override {
    Call([head = std::move(head), heartbeat = std::move(heartbeat)](Session& session,
                                                                    uint64_t id) mutable {
      session.OnLateHead(id, std::move(head), std::move(heartbeat));
    });
  }
  void OnEnd(Callback ended) override {
    if (session_->closed()) return ended();
    Call([ended = std::move(ended)](Session& session, uint64_t id) mutable {
      session.OnEndCallback(id, std::move(ended));
    });
  }

 private:
  template <typename Action>
  void Call(Action action) {
    if (session_->closed()) return;  // there may be no I/O thread any more
    boost::asio::dispatch(session_->host_->io,
                          [session = session_, id = id_, action = std::move(action)]() mutable {
                            action(*session, id);
                          });
  }

  const std::shared_ptr<Session> session_;
  const uint64_t id_;
  std::atomic<bool> answered_ = false;
};

}  // namespace nanogrid
