// What is said to SQS and what it answers, as JSON. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/queue.h"

namespace nanogrid::aws {

inline constexpr size_t kSqsBatch = 10;
// Of all bodies of a batch. AWS takes 1 MiB since 2025, others do not.
inline constexpr size_t kSqsBatchBytes = 256 << 10;
inline constexpr std::chrono::seconds kSqsMaxWait{20};
inline constexpr std::chrono::hours kSqsMaxLease{12};

// A message to be sent; views outlive it.
struct SqsEntry {
  std::string_view body{};
  std::chrono::seconds delay{};
  std::string_view group{};  // FIFO queues; empty: none
  std::string deduplication{};
};

// A message that was received.
struct SqsMessage {
  std::string id{};
  std::string handle{};
  std::string body{};
  uint32_t receive_count = 1;
  SystemTime sent{};
};

// What became of one entry of a batch; all empty: it is done.
struct SqsEntryResult {
  std::string message_id{};  // send only
  std::string error{};       // AWS's code
  std::string message{};
  bool final = false;  // the entry itself is wrong: it will fail again
};

struct SqsReceive {
  size_t max_messages = 1;
  std::chrono::seconds visibility{};
  std::chrono::seconds wait{};
  std::string attempt{};  // FIFO queues: the same one gives the same messages again
};

std::string SendBatchJson(std::string_view queue_url, std::span<const SqsEntry> entries);
std::string ReceiveJson(std::string_view queue_url, const SqsReceive& receive);
std::string DeleteBatchJson(std::string_view queue_url, std::span<const std::string> handles);
std::string VisibilityBatchJson(std::string_view queue_url, std::span<const std::string> handles,
                                std::span<const std::chrono::seconds> visibilities);
std::string QueueUrlJson(std::string_view name);
std::string DepthJson(std::string_view queue_url);

// One result per entry, in their order. An entry that is not mentioned has failed. DataLoss: not
// what SQS answers. A body whose MD5 is not what SQS took has failed with code "MD5".
Result<std::vector<SqsEntryResult>> ParseSendBatch(std::string_view json,
                                                   std::span<const SqsEntry> entries);
// The same for the other two.
Result<std::vector<SqsEntryResult>> ParseBatch(std::string_view json, size_t entries);
// Messages that are damaged are left out: SQS delivers them again.
Result<std::vector<SqsMessage>> ParseReceive(std::string_view json);
Result<std::string> ParseQueueUrl(std::string_view json);
Result<QueueDepth> ParseDepth(std::string_view json);

// InvalidArgument if SQS refuses a character in it: all control characters but tab and line ends,
// U+FFFE and U+FFFF.
Status CheckSqsBody(std::string_view body);

}  // namespace nanogrid::aws
