// The queue on SQS.
#pragma once

#include <memory>

#include "aws/sqs/acknowledger.h"
#include "aws/sqs/calls.h"
#include "aws/sqs/leases.h"
#include "aws/sqs/receiver.h"
#include "nanogrid/adapters/aws.h"

namespace nanogrid::aws {

class SqsQueue final : public Queue {
 public:
  // `options` have been checked.
  SqsQueue(std::unique_ptr<SqsCalls> calls, const SqsOptions& options);

  Result<std::vector<std::string>> Send(const Context& context,
                                        std::span<const Message> messages) override;
  Result<std::vector<Delivery>> Receive(const Context& context,
                                        const ReceiveOptions& options) override;
  Status Ack(const Context& context, std::span<const Receipt> receipts) override;
  Result<std::vector<Receipt>> Extend(const Context& context, std::span<const Receipt> receipts,
                                      Duration lease) override;
  Result<QueueDepth> Depth(const Context& context) override;

  SqsStats stats() const { return calls_->stats(); }

 private:
  Duration LeaseMargin() const;

  const SqsOptions options_;
  const bool fifo_;
  const std::unique_ptr<SqsCalls> calls_;
  SqsLeases leases_{};
  SqsAcknowledger acknowledger_;
  SqsReceiver receiver_;
};

class Session;

// See adapters/aws.h for the form; what it does not say is `defaults`.
Result<SqsOptions> ParseSqsUri(const Uri& uri, const AwsOptions& defaults);
Result<std::unique_ptr<SqsQueue>> OpenSqsQueue(Session& session, const SqsOptions& options);

}  // namespace nanogrid::aws
