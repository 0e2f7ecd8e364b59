// A queue that passes everything on: what a test wants otherwise it overrides.
#pragma once

#include <memory>
#include <utility>

#include "nanogrid/queue.h"

namespace nanogrid {

class ForwardingQueue : public Queue {
 public:
  explicit ForwardingQueue(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}

  Result<std::vector<std::string>> Send(const Context& context,
                                        std::span<const Message> messages) override {
    return queue_->Send(context, messages);
  }
  Result<std::vector<Delivery>> Receive(const Context& context,
                                        const ReceiveOptions& options) override {
    return queue_->Receive(context, options);
  }
  Status Ack(const Context& context, std::span<const Receipt> receipts) override {
    return queue_->Ack(context, receipts);
  }
  Result<std::vector<Receipt>> Extend(const Context& context, std::span<const Receipt> receipts,
                                      Duration lease) override {
    return queue_->Extend(context, receipts, lease);
  }
  Result<QueueDepth> Depth(const Context& context) override { return queue_->Depth(context); }

 private:
  const std::shared_ptr<Queue> queue_;
};

}  // namespace nanogrid
