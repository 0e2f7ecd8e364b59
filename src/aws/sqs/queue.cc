#include "aws/sqs/queue.h"

#include <algorithm>

#include "core/errors.h"
#include "core/queue_rules.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

// SQS received the message before we did, and refuses an extension beyond its limit as a whole.
constexpr Duration kLeaseMargin = std::chrono::seconds(30);

constexpr Duration kLinger = std::chrono::seconds(1);
constexpr Duration kFifoLinger = std::chrono::milliseconds(50);

TimePoint Now() { return std::chrono::steady_clock::now(); }

std::chrono::seconds CeilSeconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration);
}

}  // namespace

SqsQueue::SqsQueue(std::unique_ptr<SqsCalls> calls, const SqsOptions& options)
    : options_(options),
      fifo_(options.queue.ends_with(".fifo")),
      calls_(std::move(calls)),
      acknowledger_(*calls_, options.ack_linger.value_or(fifo_ ? kFifoLinger : kLinger)),
      receiver_(*calls_, std::chrono::floor<std::chrono::seconds>(options.wait), fifo_) {}

Result<std::vector<std::string>> SqsQueue::Send(const Context& context,
                                                std::span<const Message> messages) {
  NANOGRID_RETURN_IF_ERROR(CheckMessages(messages));
  for (const Message& message : messages) {
    NANOGRID_RETURN_IF_ERROR(CheckSqsBody(message.body));
    if (fifo_ && message.delay > Duration(0)) {
      return MakeError(absl::StatusCode::kUnimplemented,
                       "delay: a FIFO queue of SQS delays no single message; use a standard queue");
    }
  }
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  std::vector<std::string> deduplication(fifo_ ? messages.size() : 0);
  for (std::string& id : deduplication) id = MakeRequestId();
  std::vector<SqsEntry> entries;
  for (size_t i = 0; i < messages.size(); ++i) {
    SqsEntry entry{.body = messages[i].body, .delay = CeilSeconds(messages[i].delay)};
    if (fifo_) {
      entry.group = options_.group.empty() ? deduplication[i] : options_.group;
      entry.deduplication = deduplication[i];
    }
    entries.push_back(entry);
  }
  return calls_->Send(context, std::move(entries), fifo_);
}

Result<std::vector<Delivery>> SqsQueue::Receive(const Context& context,
                                                const ReceiveOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckReceive(options));
  const Duration lease = std::min(options.lease, options_.max_lease);
  NANOGRID_ASSIGN_OR_RETURN(auto taken, receiver_.Take(context, options.max_messages, lease));
  std::vector<Delivery> deliveries;
  for (SqsDelivery& each : taken) {
    SqsMessage& message = each.message;
    leases_.Add({.receipt = message.handle,
                 .message_id = message.id,
                 .received = each.received,
                 .ends = each.lease_ends},
                Now());
    deliveries.push_back({.id = std::move(message.id),
                          .receipt = std::move(message.handle),
                          .body = std::move(message.body),
                          .receive_count = message.receive_count,
                          .sent = message.sent});
  }
  return deliveries;
}

Status SqsQueue::Ack(const Context& context, std::span<const Receipt> receipts) {
  NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  std::vector<SqsLease> held = leases_.Take(receipts, Now());
  if (held.empty()) return absl::OkStatus();
  acknowledger_.Add(std::move(held));
  return acknowledger_.Failure();
}

Result<std::vector<Receipt>> SqsQueue::Extend(const Context& context,
                                              std::span<const Receipt> receipts, Duration lease) {
  NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
  NANOGRID_RETURN_IF_ERROR(CheckExtension(lease));
  const TimePoint now = Now();
  NANOGRID_RETURN_IF_ERROR(context.Check(now));
  std::vector<Receipt> lost, handles;
  std::vector<std::chrono::seconds> visibilities;
  std::vector<Duration> granted;
  for (const Receipt& receipt : receipts) {
    const auto held = leases_.Find(receipt, now);
    // What is left until SQS ends it, whatever is asked.
    const Duration left = held ? std::chrono::floor<std::chrono::seconds>(
                                     held->received + options_.max_lease - now - LeaseMargin())
                               : std::chrono::seconds(0);
    if (!held || (lease > Duration(0) && left < std::chrono::seconds(1))) {
      lost.push_back(receipt);
      continue;
    }
    handles.push_back(receipt);
    granted.push_back(std::min(lease, left));
    visibilities.push_back(CeilSeconds(granted.back()));
  }
  if (handles.empty()) return lost;
  NANOGRID_ASSIGN_OR_RETURN(const auto results,
                            calls_->SetVisibility(context, handles, visibilities));
  Status failed = absl::OkStatus();
  for (size_t i = 0; i < handles.size(); ++i) {
    if (results[i].error.empty()) {
      leases_.SetEnd(handles[i], now + granted[i], Now());
    } else if (results[i].final) {
      leases_.Remove(handles[i]);
      lost.push_back(handles[i]);
    } else {
      failed = Unavailable("sqs ChangeMessageVisibilityBatch: {}: {}", results[i].error,
                           results[i].message);
    }
  }
  if (!failed.ok()) return failed;
  return lost;
}

Result<QueueDepth> SqsQueue::Depth(const Context& context) {
  NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
  return calls_->Depth(context);
}

Duration SqsQueue::LeaseMargin() const { return std::min(kLeaseMargin, options_.max_lease / 10); }

}  // namespace nanogrid::aws
