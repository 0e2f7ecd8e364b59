#include "aws/sqs/calls.h"

#include <algorithm>
#include <functional>
#include <thread>

#include "core/backoff.h"
#include "core/errors.h"

namespace nanogrid::aws {
namespace {

constexpr size_t kSideBySide = 4;  // batches of one call
constexpr int kEntryAttempts = 3;  // of entries that failed alone

using Results = std::vector<SqsEntryResult>;

struct Range {
  size_t begin = 0;
  size_t end = 0;
};

// Runs `work` on each range, several at a time. The first error of all.
Status RunAll(const std::vector<Range>& ranges, size_t at_a_time,
              const std::function<Status(Range)>& work) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Status first = absl::OkStatus();
  const auto run = [&] {
    for (size_t i = next++; i < ranges.size(); i = next++) {
      Status status = work(ranges[i]);
      if (status.ok()) continue;
      next = ranges.size();  // what has not begun is not sent
      const std::lock_guard lock(mutex);
      if (first.ok()) first = std::move(status);
    }
  };
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < std::min(at_a_time, ranges.size()); ++i) helpers.emplace_back(run);
  run();
  helpers.clear();
  return first;
}

std::vector<Range> BatchesOf(size_t entries) {
  std::vector<Range> ranges;
  for (size_t begin = 0; begin < entries; begin += kSqsBatch) {
    ranges.push_back({begin, std::min(begin + kSqsBatch, entries)});
  }
  return ranges;
}

// By number and by size.
std::vector<Range> BatchesOf(std::span<const SqsEntry> entries) {
  std::vector<Range> ranges;
  size_t bytes = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const size_t size = entries[i].body.size();
    if (ranges.empty() || bytes + size > kSqsBatchBytes ||
        ranges.back().end - ranges.back().begin == kSqsBatch) {
      ranges.push_back({i, i});
      bytes = 0;
    }
    ranges.back().end = i + 1;
    bytes += size;
  }
  return ranges;
}

// Calls `call` with the indices of what is left to do, all first, until nothing is left that may
// still go through.
Result<Results> Persist(const Context& context, size_t entries,
                        const std::function<Result<Results>(const std::vector<size_t>&)>& call) {
  Results results(entries);
  std::vector<size_t> left(entries);
  for (size_t i = 0; i < entries; ++i) left[i] = i;
  for (Backoff backoff;;) {
    NANOGRID_ASSIGN_OR_RETURN(const Results answers, call(left));
    std::vector<size_t> failed;
    for (size_t i = 0; i < left.size(); ++i) {
      results[left[i]] = answers[i];
      if (!answers[i].error.empty() && !answers[i].final) failed.push_back(left[i]);
    }
    if (failed.empty() || backoff.retries() + 1 >= kEntryAttempts) return results;
    left = std::move(failed);
    NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
  }
}

Status EntryError(const SqsEntryResult& result) {
  return MakeError(
      result.final ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kUnavailable,
      "sqs SendMessageBatch: {}: {}", result.error, result.message);
}

template <typename Value>
std::vector<Value> Pick(std::span<const Value> values, const std::vector<size_t>& indices) {
  std::vector<Value> picked;
  for (const size_t index : indices) picked.push_back(values[index]);
  return picked;
}

}  // namespace

Result<std::string> SqsCalls::Url(const Context& context) {
  if (queue_.find("://") != std::string::npos) return queue_;
  {
    const std::lock_guard lock(mutex_);
    if (!url_.empty()) return url_;
  }
  ++others_;
  NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                            client_->Json(context, "GetQueueUrl", QueueUrlJson(queue_)));
  NANOGRID_ASSIGN_OR_RETURN(std::string url, ParseQueueUrl(answer));
  const std::lock_guard lock(mutex_);
  return url_ = std::move(url);
}

Result<Results> SqsCalls::SendBatch(const Context& context, const std::string& url,
                                    std::span<const SqsEntry> entries) {
  return Persist(context, entries.size(),
                 [&](const std::vector<size_t>& indices) -> Result<Results> {
                   const std::vector<SqsEntry> batch = Pick(entries, indices);
                   ++sends_;
                   NANOGRID_ASSIGN_OR_RETURN(
                       const std::string answer,
                       client_->Json(context, "SendMessageBatch", SendBatchJson(url, batch)));
                   return ParseSendBatch(answer, batch);
                 });
}

Result<std::vector<std::string>> SqsCalls::Send(const Context& context,
                                                std::vector<SqsEntry> entries, bool in_order) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string url, Url(context));
  std::vector<std::string> ids(entries.size());
  const auto send = [&](Range range) -> Status {
    const std::span batch = std::span(entries).subspan(range.begin, range.end - range.begin);
    NANOGRID_ASSIGN_OR_RETURN(Results results, SendBatch(context, url, batch));
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].error.empty()) return EntryError(results[i]);
      ids[range.begin + i] = std::move(results[i].message_id);
    }
    sent_ += batch.size();
    return absl::OkStatus();
  };
  NANOGRID_RETURN_IF_ERROR(RunAll(BatchesOf(entries), in_order ? 1 : kSideBySide, send));
  return ids;
}

Result<std::vector<SqsMessage>> SqsCalls::Receive(const Context& context,
                                                  const SqsReceive& receive) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string url, Url(context));
  const Result<std::string> answer =
      client_->Json(context, "ReceiveMessage", ReceiveJson(url, receive));
  auto messages =
      answer.ok() ? ParseReceive(*answer) : Result<std::vector<SqsMessage>>(answer.status());
  if (messages.ok()) received_ += messages->size();
  ++receives_;
  return messages;
}

Result<Results> SqsCalls::Delete(const Context& context, std::span<const std::string> handles) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string url, Url(context));
  Results results(handles.size());
  const auto remove = [&](Range range) -> Status {
    const std::span batch = handles.subspan(range.begin, range.end - range.begin);
    NANOGRID_ASSIGN_OR_RETURN(
        Results done,
        Persist(context, batch.size(), [&](const std::vector<size_t>& indices) -> Result<Results> {
          ++deletes_;
          NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                                    client_->Json(context, "DeleteMessageBatch",
                                                  DeleteBatchJson(url, Pick(batch, indices))));
          return ParseBatch(answer, indices.size());
        }));
    for (const SqsEntryResult& each : done) deleted_ += each.error.empty() ? 1 : 0;
    std::move(done.begin(), done.end(), results.begin() + static_cast<ptrdiff_t>(range.begin));
    return absl::OkStatus();
  };
  NANOGRID_RETURN_IF_ERROR(RunAll(BatchesOf(handles.size()), kSideBySide, remove));
  return results;
}

Result<Results> SqsCalls::SetVisibility(const Context& context,
                                        std::span<const std::string> handles,
                                        std::span<const std::chrono::seconds> visibilities) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string url, Url(context));
  Results results(handles.size());
  const auto extend = [&](Range range) -> Status {
    const size_t count = range.end - range.begin;
    const auto batch = handles.subspan(range.begin, count);
    const auto times = visibilities.subspan(range.begin, count);
    NANOGRID_ASSIGN_OR_RETURN(
        Results done,
        Persist(context, count, [&](const std::vector<size_t>& indices) -> Result<Results> {
          ++extends_;
          NANOGRID_ASSIGN_OR_RETURN(
              const std::string answer,
              client_->Json(context, "ChangeMessageVisibilityBatch",
                            VisibilityBatchJson(url, Pick(batch, indices), Pick(times, indices))));
          return ParseBatch(answer, indices.size());
        }));
    std::move(done.begin(), done.end(), results.begin() + static_cast<ptrdiff_t>(range.begin));
    return absl::OkStatus();
  };
  NANOGRID_RETURN_IF_ERROR(RunAll(BatchesOf(handles.size()), kSideBySide, extend));
  return results;
}

Result<QueueDepth> SqsCalls::Depth(const Context& context) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string url, Url(context));
  ++others_;
  NANOGRID_ASSIGN_OR_RETURN(const std::string answer,
                            client_->Json(context, "GetQueueAttributes", DepthJson(url)));
  return ParseDepth(answer);
}

SqsStats SqsCalls::stats() const {
  return {.sends = sends_,
          .receives = receives_,
          .deletes = deletes_,
          .extends = extends_,
          .others = others_,
          .sent = sent_,
          .received = received_,
          .deleted = deleted_};
}

}  // namespace nanogrid::aws
