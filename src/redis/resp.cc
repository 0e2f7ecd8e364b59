#include "redis/resp.h"

#include <hiredis/read.h>

#include <algorithm>
#include <charconv>
#include <new>

#include "core/errors.h"

namespace nanogrid::redis {
namespace {

// A hundred messages of the largest size are 25 MiB, a thousand jobs with theirs errors 45.
constexpr size_t kMaxReply = 256 << 20;
// What is announced is not there yet: room for more is made as it comes.
constexpr int kMaxReserved = 1024;

// Where the reply that `task` reads belongs: hiredis gives a null pointer for the outermost one.
Reply* Place(const redisReadTask* task) {
  if (task->parent == nullptr) return new (std::nothrow) Reply;
  return &static_cast<Reply*>(task->parent->obj)->items.emplace_back();
}

void* MakeText(const redisReadTask* task, char* text, size_t size) {
  Reply* const reply = Place(task);
  if (reply == nullptr) return nullptr;
  reply->type = task->type == REDIS_REPLY_ERROR    ? Reply::Type::kError
                : task->type == REDIS_REPLY_STATUS ? Reply::Type::kStatus
                                                   : Reply::Type::kText;
  reply->text.assign(text, size);
  return reply;
}

void* MakeArray(const redisReadTask* task, int elements) {
  Reply* const reply = Place(task);
  if (reply == nullptr) return nullptr;
  reply->type = Reply::Type::kArray;
  reply->items.reserve(static_cast<size_t>(std::clamp(elements, 0, kMaxReserved)));
  return reply;
}

void* MakeInteger(const redisReadTask* task, long long value) {  // NOLINT(google-runtime-int)
  Reply* const reply = Place(task);
  if (reply == nullptr) return nullptr;
  reply->type = Reply::Type::kInteger;
  reply->integer = value;
  return reply;
}

void* MakeNil(const redisReadTask* task) { return Place(task); }

void FreeReply(void* reply) { delete static_cast<Reply*>(reply); }

redisReplyObjectFunctions& Functions() {
  static redisReplyObjectFunctions functions = {MakeText, MakeArray, MakeInteger, MakeNil,
                                                FreeReply};
  return functions;
}

redisReader* Get(void* reader) { return static_cast<redisReader*>(reader); }

}  // namespace

void Request::Begin(size_t words) {
  ++commands_;
  bytes_ += '*';
  bytes_ += std::to_string(words);
  bytes_ += "\r\n";
}

void Request::Word(std::string_view word) {
  bytes_ += '$';
  bytes_ += std::to_string(word.size());
  bytes_ += "\r\n";
  bytes_ += word;
  bytes_ += "\r\n";
}

int64_t Reply::Number() const {
  if (type == Type::kInteger) return integer;
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void ReplyReader::Free::operator()(void* reader) const { redisReaderFree(Get(reader)); }

ReplyReader::ReplyReader() : reader_(redisReaderCreateWithFunctions(&Functions())) {}

void ReplyReader::Feed(std::string_view bytes) {
  pending_ += bytes.size();
  redisReaderFeed(Get(reader_.get()), bytes.data(), bytes.size());
}

Result<std::optional<Reply>> ReplyReader::Next() {
  redisReader* const reader = Get(reader_.get());
  void* next = nullptr;
  if (redisReaderGetReply(reader, &next) != REDIS_OK) {
    return MakeError(absl::StatusCode::kDataLoss, "not Redis's protocol: {}", reader->errstr);
  }
  if (next == nullptr) {
    if (pending_ <= kMaxReply) return std::nullopt;
    return MakeError(absl::StatusCode::kDataLoss, "a reply of more than {} bytes", kMaxReply);
  }
  const std::unique_ptr<Reply> reply(static_cast<Reply*>(next));
  pending_ = reader->len - reader->pos;
  return std::move(*reply);
}

}  // namespace nanogrid::redis
