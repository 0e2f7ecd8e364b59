// The operations of one SQS queue: batches are split, sent side by side, and their failed entries
// sent again.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aws/client.h"
#include "aws/sqs/protocol.h"

namespace nanogrid::aws {

// What was asked of SQS so far: its bill.
struct SqsStats {
  uint64_t sends = 0;     // calls: SendMessageBatch
  uint64_t receives = 0;  // ReceiveMessage, that have ended
  uint64_t deletes = 0;   // DeleteMessageBatch
  uint64_t extends = 0;   // ChangeMessageVisibilityBatch
  uint64_t others = 0;
  uint64_t sent = 0;  // messages
  uint64_t received = 0;
  uint64_t deleted = 0;
};

// Thread-safe.
class SqsCalls {
 public:
  // `queue`: a name, or a URL if it has a "://".
  SqsCalls(std::unique_ptr<Client> client, std::string queue)
      : client_(std::move(client)), queue_(std::move(queue)) {}

  // In their order where `in_order`, at the price of one batch after the other.
  Result<std::vector<std::string>> Send(const Context& context, std::vector<SqsEntry> entries,
                                        bool in_order);
  Result<std::vector<SqsMessage>> Receive(const Context& context, const SqsReceive& receive);
  // What became of each; entries that may go through later were tried again. An error is one of a
  // whole call.
  Result<std::vector<SqsEntryResult>> Delete(const Context& context,
                                             std::span<const std::string> handles);
  Result<std::vector<SqsEntryResult>> SetVisibility(
      const Context& context, std::span<const std::string> handles,
      std::span<const std::chrono::seconds> visibilities);
  Result<QueueDepth> Depth(const Context& context);

  SqsStats stats() const;

 private:
  Result<std::string> Url(const Context& context);
  Result<std::vector<SqsEntryResult>> SendBatch(const Context& context, const std::string& url,
                                                std::span<const SqsEntry> entries);

  const std::unique_ptr<Client> client_;
  const std::string queue_;
  std::mutex mutex_;
  std::string url_{};  // once it is known
  std::atomic<uint64_t> sends_{0}, receives_{0}, deletes_{0}, extends_{0}, others_{0}, sent_{0},
      received_{0}, deleted_{0};
};

}  // namespace nanogrid::aws
