#include "aws/sqs/protocol.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <boost/json.hpp>
#include <charconv>
#include <iterator>

#include "core/errors.h"
#include "core/json.h"

namespace nanogrid::aws {
namespace {

namespace json = boost::json;

json::string Json(std::string_view text) { return json::string(text.data(), text.size()); }
std::string_view View(const json::string& text) { return {text.data(), text.size()}; }

std::string Md5Hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  // Machines that forbid MD5 do without the check.
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1) return "";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    fmt::format_to(std::back_inserter(hex), "{:02x}", digest[i]);
  }
  return hex;
}

bool HasMd5(std::string_view body, std::string_view md5) {
  if (md5.empty()) return true;
  const std::string own = Md5Hex(body);
  return own.empty() || own == md5;
}

Status Broken(const char* what) {
  return MakeError(absl::StatusCode::kDataLoss, "sqs: an answer that is none: {}", what);
}

Result<json::object> ParseAnswer(std::string_view text) {
  // A receive of nothing may be nothing at all.
  if (text.empty()) return json::object();
  NANOGRID_RETURN_IF_ERROR(CheckJson(text).ok() ? absl::OkStatus() : Broken("not JSON"));
  json::value value = json::parse({text.data(), text.size()});
  if (!value.is_object()) return Broken("not an object");
  return std::move(value.get_object());
}

std::string_view Text(const json::object& object, json::string_view name) {
  const json::value* const found = object.if_contains(name);
  return found != nullptr && found->is_string() ? View(found->get_string()) : std::string_view();
}

// Calls `use` with each object of the array `name`.
template <typename Use>
void ForEach(const json::object& object, json::string_view name, Use use) {
  const json::value* const found = object.if_contains(name);
  if (found == nullptr || !found->is_array()) return;
  for (const json::value& each : found->get_array()) {
    if (const json::object* const entry = each.if_object()) use(*entry);
  }
}

template <typename Number>
Number ToNumber(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Which entry of `count`; count itself if it is none.
size_t IndexOf(const json::object& entry, size_t count) {
  const std::string_view id = Text(entry, "Id");
  size_t index = count;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), index);
  return error == std::errc() && end == id.data() + id.size() ? std::min(index, count) : count;
}

Result<std::vector<SqsEntryResult>> ParseResults(const json::object& answer, size_t entries) {
  std::vector<SqsEntryResult> results(entries, {.error = "NotMentioned"});
  ForEach(answer, "Successful", [&](const json::object& entry) {
    if (const size_t index = IndexOf(entry, entries); index < entries) {
      results[index] = {.message_id = std::string(Text(entry, "MessageId"))};
    }
  });
  ForEach(answer, "Failed", [&](const json::object& entry) {
    const size_t index = IndexOf(entry, entries);
    if (index >= entries) return;
    const json::value* const fault = entry.if_contains("SenderFault");
    std::string_view code = Text(entry, "Code");
    // "AWS.SimpleQueueService.X" of old.
    if (const size_t dot = code.rfind('.'); dot != code.npos) code.remove_prefix(dot + 1);
    results[index] = {.error = code.empty() ? "Unknown" : std::string(code.substr(0, 100)),
                      .message = std::string(Text(entry, "Message").substr(0, 500)),
                      .final = fault != nullptr && fault->is_bool() && fault->get_bool()};
  });
  return results;
}

json::object Batch(std::string_view queue_url, json::array entries) {
  return {{"QueueUrl", Json(queue_url)}, {"Entries", std::move(entries)}};
}

}  // namespace

std::string SendBatchJson(std::string_view queue_url, std::span<const SqsEntry> entries) {
  json::array array;
  for (size_t i = 0; i < entries.size(); ++i) {
    json::object entry{{"Id", std::to_string(i)}, {"MessageBody", Json(entries[i].body)}};
    // A FIFO queue takes no delay of a message, not even none.
    if (entries[i].delay.count() > 0) entry["DelaySeconds"] = entries[i].delay.count();
    if (!entries[i].group.empty()) {
      entry["MessageGroupId"] = Json(entries[i].group);
      entry["MessageDeduplicationId"] = Json(entries[i].deduplication);
    }
    array.push_back(std::move(entry));
  }
  return json::serialize(Batch(queue_url, std::move(array)));
}

std::string ReceiveJson(std::string_view queue_url, const SqsReceive& receive) {
  const json::array names{"ApproximateReceiveCount", "SentTimestamp"};
  json::object request{{"QueueUrl", Json(queue_url)},
                       {"MaxNumberOfMessages", receive.max_messages},
                       {"VisibilityTimeout", receive.visibility.count()},
                       {"WaitTimeSeconds", receive.wait.count()},
                       {"MessageSystemAttributeNames", names},
                       // The name before 2023; software of the same protocol knows only this one.
                       {"AttributeNames", names}};
  if (!receive.attempt.empty()) request["ReceiveRequestAttemptId"] = Json(receive.attempt);
  return json::serialize(request);
}

std::string DeleteBatchJson(std::string_view queue_url, std::span<const std::string> handles) {
  json::array array;
  for (size_t i = 0; i < handles.size(); ++i) {
    array.push_back(json::object{{"Id", std::to_string(i)}, {"ReceiptHandle", Json(handles[i])}});
  }
  return json::serialize(Batch(queue_url, std::move(array)));
}

std::string VisibilityBatchJson(std::string_view queue_url, std::span<const std::string> handles,
                                std::span<const std::chrono::seconds> visibilities) {
  json::array array;
  for (size_t i = 0; i < handles.size(); ++i) {
    array.push_back(json::object{{"Id", std::to_string(i)},
                                 {"ReceiptHandle", Json(handles[i])},
                                 {"VisibilityTimeout", visibilities[i].count()}});
  }
  return json::serialize(Batch(queue_url, std::move(array)));
}

std::string QueueUrlJson(std::string_view name) {
  return json::serialize(json::object{{"QueueName", Json(name)}});
}

std::string DepthJson(std::string_view queue_url) {
  return json::serialize(json::object{
      {"QueueUrl", Json(queue_url)},
      {"AttributeNames",
       json::array{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                   "ApproximateNumberOfMessagesDelayed"}}});
}

Result<std::vector<SqsEntryResult>> ParseSendBatch(std::string_view text,
                                                   std::span<const SqsEntry> entries) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  NANOGRID_ASSIGN_OR_RETURN(auto results, ParseResults(answer, entries.size()));
  ForEach(answer, "Successful", [&](const json::object& entry) {
    const size_t index = IndexOf(entry, entries.size());
    if (index < entries.size() && !HasMd5(entries[index].body, Text(entry, "MD5OfMessageBody"))) {
      results[index].error = "MD5";
      results[index].message = "SQS took another body than was sent";
    }
  });
  return results;
}

Result<std::vector<SqsEntryResult>> ParseBatch(std::string_view text, size_t entries) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  return ParseResults(answer, entries);
}

Result<std::vector<SqsMessage>> ParseReceive(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  std::vector<SqsMessage> messages;
  ForEach(answer, "Messages", [&](const json::object& entry) {
    SqsMessage message{.id = std::string(Text(entry, "MessageId")),
                       .handle = std::string(Text(entry, "ReceiptHandle")),
                       .body = std::string(Text(entry, "Body"))};
    if (message.handle.empty() || !HasMd5(message.body, Text(entry, "MD5OfBody"))) return;
    const json::value* const attributes = entry.if_contains("Attributes");
    if (attributes != nullptr && attributes->is_object()) {
      const json::object& object = attributes->get_object();
      message.receive_count =
          std::max(1u, ToNumber<uint32_t>(Text(object, "ApproximateReceiveCount")));
      message.sent =
          SystemTime(std::chrono::milliseconds(ToNumber<int64_t>(Text(object, "SentTimestamp"))));
    }
    messages.push_back(std::move(message));
  });
  return messages;
}

Result<std::string> ParseQueueUrl(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  std::string url(Text(answer, "QueueUrl"));
  if (url.empty()) return Broken("no QueueUrl");
  return url;
}

Result<QueueDepth> ParseDepth(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  const json::value* const attributes = answer.if_contains("Attributes");
  if (attributes == nullptr || !attributes->is_object()) return Broken("no Attributes");
  const auto number = [&](json::string_view name) {
    return ToNumber<uint64_t>(Text(attributes->get_object(), name));
  };
  return QueueDepth{.visible = number("ApproximateNumberOfMessages"),
                    .leased = number("ApproximateNumberOfMessagesNotVisible"),
                    .delayed = number("ApproximateNumberOfMessagesDelayed")};
}

Status CheckSqsBody(std::string_view body) {
  for (size_t i = 0; i < body.size(); ++i) {
    const auto byte = static_cast<unsigned char>(body[i]);
    if (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') {
      return InvalidArgument("body: SQS takes no control character, and byte {} is 0x{:02x}", i,
                             byte);
    }
    const std::string_view three = body.substr(i, 3);
    if (three == "\xef\xbf\xbe" || three == "\xef\xbf\xbf") {
      return InvalidArgument("body: SQS takes neither U+FFFE nor U+FFFF, as at byte {}", i);
    }
  }
  return absl::OkStatus();
}

}  // namespace nanogrid::aws
