#include "core/queue_rules.h"

#include "core/errors.h"
#include "core/names.h"

namespace nanogrid {
namespace {

constexpr Duration kMinLease = std::chrono::seconds(1);
constexpr Duration kMaxLease = std::chrono::hours(12);

int64_t Millis(Duration duration) {
  return std::chrono::floor<std::chrono::milliseconds>(duration).count();
}

Status CheckBatch(std::string_view field, size_t size) {
  if (size >= 1 && size <= Queue::kMaxBatch) return absl::OkStatus();
  return InvalidArgument("{} {}: must be 1 to {}", field, size, Queue::kMaxBatch);
}

}  // namespace

Status CheckMessages(std::span<const Message> messages) {
  NANOGRID_RETURN_IF_ERROR(CheckBatch("number of messages", messages.size()));
  for (const Message& message : messages) {
    if (message.body.empty() || message.body.size() > Queue::kMaxBody) {
      return InvalidArgument("body of {} bytes: must be 1 to {}", message.body.size(),
                             Queue::kMaxBody);
    }
    if (!IsUtf8(message.body)) return InvalidArgument("body: must be UTF-8");
    if (message.delay < Duration(0) || message.delay > Queue::kMaxDelay) {
      return InvalidArgument("delay {} ms: must be 0 to {} ms", Millis(message.delay),
                             Millis(Queue::kMaxDelay));
    }
  }
  return absl::OkStatus();
}

Status CheckReceive(const ReceiveOptions& options) {
  NANOGRID_RETURN_IF_ERROR(CheckBatch("max_messages", options.max_messages));
  if (options.lease >= kMinLease && options.lease <= kMaxLease) return absl::OkStatus();
  return InvalidArgument("lease {} ms: must be {} to {} ms", Millis(options.lease),
                         Millis(kMinLease), Millis(kMaxLease));
}

Status CheckReceipts(std::span<const Receipt> receipts) {
  return CheckBatch("number of receipts", receipts.size());
}

Status CheckExtension(Duration lease) {
  if (lease >= Duration(0) && lease <= kMaxLease) return absl::OkStatus();
  return InvalidArgument("lease {} ms: must be 0 to {} ms", Millis(lease), Millis(kMaxLease));
}

}  // namespace nanogrid
