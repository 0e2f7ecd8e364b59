#include <algorithm>
#include <atomic>
#include <bit>
#include <charconv>
#include <unordered_set>

#include "core/errors.h"
#include "core/queue_rules.h"
#include "core/request_id.h"
#include "redis/error_reply.h"
#include "redis/queue_scripts.h"
#include "redis/stores.h"

namespace nanogrid::redis {
namespace {

constexpr Duration kLongestBlock = std::chrono::seconds(1);

TimePoint Now() { return std::chrono::steady_clock::now(); }

int64_t Millis(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

// "MS-SEQUENCE" as the server writes it: nothing else may be asked for as an entry's id.
bool IsEntryId(std::string_view text) {
  uint64_t part = 0;
  const char* const last = text.data() + text.size();
  const auto time = std::from_chars(text.data(), last, part);
  if (time.ec != std::errc() || time.ptr == last || *time.ptr != '-') return false;
  const auto sequence = std::from_chars(time.ptr + 1, last, part);
  return sequence.ec == std::errc() && sequence.ptr == last;
}

SystemTime TimeOf(std::string_view millis) {
  int64_t count = 0;
  std::from_chars(millis.data(), millis.data() + millis.size(), count);
  return SystemTime(std::chrono::milliseconds(count));
}

// [id, [name, value, …]]
Result<Delivery> ReadEntry(Reply& entry) {
  if (entry.items.size() != 2) return Internal("Redis: a stream entry of an unknown form");
  Delivery delivery{.id = entry.items[0].text, .receipt = entry.items[0].text};
  delivery.sent = TimeOf(delivery.receipt);
  std::vector<Reply>& fields = entry.items[1].items;
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string_view name = fields[i].text;
    Reply& value = fields[i + 1];
    if (name == "n") delivery.receive_count = static_cast<uint32_t>(value.Number()) + 1;
    if (name == "s") delivery.sent = TimeOf(value.text);
    if (name == "b") {
      delivery.body = std::move(value.text);
    } else if (name == "i") {
      delivery.id = std::move(value.text);
    }
  }
  return delivery;
}

// [[stream, [entry, …]]], or nil if nothing came.
Result<std::vector<Delivery>> ReadEntries(Reply& reply) {
  std::vector<Delivery> deliveries;
  for (Reply& stream : reply.items) {
    if (stream.items.size() != 2) return Internal("Redis: a stream of an unknown form");
    for (Reply& entry : stream.items[1].items) {
      NANOGRID_ASSIGN_OR_RETURN(Delivery delivery, ReadEntry(entry));
      deliveries.push_back(std::move(delivery));
    }
  }
  return deliveries;
}

class RedisQueue final : public Queue {
 public:
  explicit RedisQueue(std::unique_ptr<Client> client)
      : client_(std::move(client)), stream_(client_->Key(":queue")) {}

  // XGROUP CREATE; one that is there is as good.
  Status MakeGroup(const Context& context) {
    const auto made = client_->Write(
        context, Request().Command("XGROUP", "CREATE", stream_, kGroup, "0", "MKSTREAM"),
        Repeat::kSafe);
    return absl::IsAlreadyExists(made.status()) ? absl::OkStatus() : made.status();
  }

  Result<std::vector<std::string>> Send(const Context& context,
                                        std::span<const Message> messages) override {
    NANOGRID_RETURN_IF_ERROR(CheckMessages(messages));
    const bool delayed = std::any_of(messages.begin(), messages.end(), [](const Message& message) {
      return message.delay > Duration(0);
    });
    NANOGRID_ASSIGN_OR_RETURN(const Reply sent,
                              delayed ? SendLater(context, messages) : SendNow(context, messages));
    std::vector<std::string> ids;
    if (messages.size() == 1 && !sent.is_array()) ids.push_back(sent.text);
    for (const Reply& id : sent.items) ids.push_back(id.text);
    if (ids.size() != messages.size()) return Internal("Redis: not one id per message");
    return ids;
  }

  Result<std::vector<Delivery>> Receive(const Context& context,
                                        const ReceiveOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceive(options));
    const std::string consumer = kConsumerPrefix + std::to_string(Millis(options.lease));
    while (context.Check(Now()).ok()) {
      Result<std::vector<Delivery>> deliveries = TryReceive(context, options, consumer);
      if (absl::IsNotFound(deliveries.status())) {
        const Status made = MakeGroup(context);
        if (made.ok()) continue;
        deliveries = made;
      }
      if (deliveries.ok() ? !deliveries->empty() : context.Check(Now()).ok()) return deliveries;
    }
    return std::vector<Delivery>();
  }

  Status Ack(const Context& context, std::span<const Receipt> receipts) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    const std::vector<std::string_view> ids = EntriesOf(receipts);
    if (ids.empty()) return absl::OkStatus();
    Request request;
    // Were it to stop between the two, a lease without an entry is tidied up, not an entry that
    // nobody will be given.
    AddIds(request, {"XDEL", stream_}, ids);
    AddIds(request, {"XACK", stream_, kGroup}, ids);
    return client_->Write(context, request, Repeat::kSafe).status();
  }

  Result<std::vector<Receipt>> Extend(const Context& context, std::span<const Receipt> receipts,
                                      Duration lease) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
    NANOGRID_RETURN_IF_ERROR(CheckExtension(lease));
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    const std::vector<std::string_view> ids = EntriesOf(receipts);
    std::unordered_set<std::string> kept;
    if (!ids.empty()) {
      auto extended = lease == Duration(0) ? GiveBack(context, ids) : Prolong(context, ids, lease);
      // Without its group nothing is leased.
      if (!extended.ok() && !absl::IsNotFound(extended.status())) return extended.status();
      if (extended.ok()) kept = *std::move(extended);
    }
    std::vector<Receipt> lost;
    for (const Receipt& receipt : receipts) {
      if (!kept.contains(receipt)) lost.push_back(receipt);
    }
    return lost;
  }

  Result<QueueDepth> Depth(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(Now()));
    const Status revealed = RevealIfTime(context);
    if (!revealed.ok() && !absl::IsNotFound(revealed)) return revealed;
    const Request request = Request()
                                .Command("XLEN", stream_)
                                .Command("XPENDING", stream_, kGroup)
                                .Command("ZCARD", stream_ + ":delayed");
    const auto replies = client_->Call(context, request, Repeat::kSafe);
    if (absl::IsNotFound(replies.status())) return QueueDepth();
    if (!replies.ok()) return replies.status();
    const auto all = static_cast<uint64_t>((*replies)[0].Number());
    const Reply& pending = (*replies)[1];
    QueueDepth depth;
    if (!pending.items.empty()) depth.leased = static_cast<uint64_t>(pending.items[0].Number());
    depth.visible = all - std::min(all, depth.leased);
    depth.delayed = static_cast<uint64_t>((*replies)[2].Number());
    return depth;
  }

 private:
  static std::vector<std::string_view> EntriesOf(std::span<const Receipt> receipts) {
    std::vector<std::string_view> ids;
    for (const Receipt& receipt : receipts) {
      if (IsEntryId(receipt)) ids.push_back(receipt);
    }
    return ids;
  }
  static void AddIds(Request& request, std::initializer_list<std::string_view> command,
                     std::span<const std::string_view> ids,
                     std::initializer_list<std::string_view> rest = {}) {
    request.Begin(command.size() + ids.size() + rest.size());
    for (const std::string_view word : command) request.Word(word);
    for (const std::string_view id : ids) request.Word(id);
    for (const std::string_view word : rest) request.Word(word);
  }

  // All or nothing. Never repeated once the server may have it: nobody could tell two messages from
  // one sent twice.
  Result<Reply> SendNow(const Context& context, std::span<const Message> messages) {
    Request request;
    const bool many = messages.size() > 1;
    if (many) request.Command("MULTI");
    for (const Message& message : messages) {
      request.Command("XADD", stream_, "*", "b", message.body);
    }
    if (many) request.Command("EXEC");
    NANOGRID_ASSIGN_OR_RETURN(std::vector<Reply> replies,
                              client_->Write(context, std::move(request), Repeat::kNever));
    return std::move(replies.back());
  }

  Result<Reply> SendLater(const Context& context, std::span<const Message> messages) {
    std::vector<std::string> texts;
    texts.reserve(messages.size() * 2);
    std::vector<std::string_view> arguments;
    for (const Message& message : messages) {
      arguments.push_back(texts.emplace_back(std::to_string(Millis(message.delay))));
      arguments.push_back(texts.emplace_back(MakeRequestId()));
      arguments.push_back(message.body);
    }
    return client_->Run(context, SendScript(), arguments, Repeat::kNever);
  }

  Result<std::vector<Delivery>> TryReceive(const Context& context, const ReceiveOptions& options,
                                           const std::string& consumer) {
    NANOGRID_RETURN_IF_ERROR(RevealIfTime(context));
    const Duration until_reveal(next_reveal_.load() - Now().time_since_epoch().count());
    Duration block = std::min({context.deadline - Now(), until_reveal, kLongestBlock});
    block = std::max<Duration>(block, std::chrono::milliseconds(1));  // 0 would be for ever
    const Request request =
        Request().Command("XREADGROUP", "GROUP", kGroup, consumer, "COUNT", options.max_messages,
                          "BLOCK", Millis(block), "STREAMS", stream_, ">");
    NANOGRID_ASSIGN_OR_RETURN(Reply reply, client_->Block(context, request, block));
    return ReadEntries(reply);
  }

  // One thread does it when it is time; the others go on.
  Status RevealIfTime(const Context& context) {
    const Duration::rep now = Now().time_since_epoch().count();
    Duration::rep next = next_reveal_.load();
    if (now < next) return absl::OkStatus();
    if (!next_reveal_.compare_exchange_strong(next, now + kLongestBlock.count())) {
      return absl::OkStatus();
    }
    const auto wait = client_->Run(context, RevealScript(), {}, Repeat::kSafe);
    if (!wait.ok()) {
      next_reveal_ = 0;
      return wait.status();
    }
    next_reveal_ = (Now() + std::chrono::milliseconds(wait->Number())).time_since_epoch().count();
    return absl::OkStatus();
  }

  // To a consumer whose lease is at least as long, as idle as if it had been leased earlier. Few
  // consumers: their leases are powers of two.
  Result<std::unordered_set<std::string>> Prolong(const Context& context,
                                                  std::span<const std::string_view> ids,
                                                  Duration lease) {
    const auto millis = static_cast<uint64_t>(Millis(lease));
    const uint64_t longer = std::bit_ceil(millis);
    const std::string idle = std::to_string(longer - millis);
    const std::string consumer = kConsumerPrefix + std::to_string(longer);
    Request request;
    AddIds(request, {"XCLAIM", stream_, kGroup, consumer, "0"}, ids, {"IDLE", idle, "JUSTID"});
    NANOGRID_ASSIGN_OR_RETURN(std::vector<Reply> replies,
                              client_->Write(context, std::move(request), Repeat::kSafe));
    std::unordered_set<std::string> kept;
    for (Reply& id : replies.front().items) kept.insert(std::move(id.text));
    return kept;
  }

  Result<std::unordered_set<std::string>> GiveBack(const Context& context,
                                                   std::span<const std::string_view> ids) {
    NANOGRID_ASSIGN_OR_RETURN(const Reply lost,
                              client_->Run(context, GiveBackScript(), ids, Repeat::kSafe));
    std::unordered_set<std::string> kept;
    for (const std::string_view id : ids) kept.emplace(id);
    for (const Reply& position : lost.items) {
      const auto index = static_cast<size_t>(position.Number());
      if (index < ids.size()) kept.erase(std::string(ids[index]));
    }
    return kept;
  }

  const std::unique_ptr<Client> client_;
  const std::string stream_;
  std::atomic<Duration::rep> next_reveal_ = 0;  // on the steady clock
};

}  // namespace

Result<std::unique_ptr<Queue>> MakeQueue(std::unique_ptr<Client> client) {
  const Context context = Context::WithTimeout(client->options().timeout);
  auto queue = std::make_unique<RedisQueue>(std::move(client));
  NANOGRID_RETURN_IF_ERROR(queue->MakeGroup(context));
  return queue;
}

}  // namespace nanogrid::redis
