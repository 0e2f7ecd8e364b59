#include <charconv>

#include "core/errors.h"
#include "core/queue_rules.h"
#include "sqlite/schema.h"
#include "sqlite/stores.h"

namespace nanogrid::sqlite {
namespace {

// A lease is a message that was received and is not visible yet; its receipt names the message and
// how often it had been received then.
struct Lease {
  int64_t number = 0;
  int64_t received = 0;
};

Receipt MakeReceipt(const Lease& lease) {
  return fmt::format("{}-{}", lease.number, lease.received);
}

// A receipt that is none of this queue's is one of a message that does not exist.
Lease ReadReceipt(const Receipt& receipt) {
  Lease lease;
  const char* const last = receipt.data() + receipt.size();
  const auto number = std::from_chars(receipt.data(), last, lease.number);
  if (number.ec != std::errc() || number.ptr == last || *number.ptr != '-') return {};
  const auto received = std::from_chars(number.ptr + 1, last, lease.received);
  return received.ec == std::errc() && received.ptr == last ? lease : Lease{};
}

SystemTime Later(SystemTime now, Duration time) {
  return now + std::chrono::ceil<std::chrono::milliseconds>(time);
}

class SqliteQueue final : public Queue {
 public:
  SqliteQueue(std::shared_ptr<Database> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<std::vector<std::string>> Send(const Context& context,
                                        std::span<const Message> messages) override {
    NANOGRID_RETURN_IF_ERROR(CheckMessages(messages));
    std::vector<std::string> ids;
    const auto change = [&](Connection& connection) -> Status {
      const auto count = static_cast<int64_t>(messages.size());
      const SystemTime now = clock_.WallNow();
      NANOGRID_RETURN_IF_ERROR(AddToCounter(connection, kMessagesCounter, count).status());
      NANOGRID_ASSIGN_OR_RETURN(const int64_t last,
                                AddToCounter(connection, kLastMessageCounter, count));
      int64_t number = last - count;
      for (const Message& message : messages) {
        Query insert(connection,
                     "INSERT INTO messages(number, visible, received, sent, body) "
                     "VALUES(?1, ?2, 0, ?3, ?4)",
                     ++number, Later(now, message.delay), now, message.body);
        NANOGRID_RETURN_IF_ERROR(insert.Run());
        ids.push_back(std::to_string(number));
      }
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(database_->Write(context, clock_, Topic::kMessages, change));
    return ids;
  }

  Result<std::vector<Delivery>> Receive(const Context& context,
                                        const ReceiveOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceive(options));
    std::vector<Delivery> deliveries;
    while (context.Check(clock_.Now()).ok()) {
      const uint64_t seen = database_->Changes(Topic::kMessages);
      NANOGRID_ASSIGN_OR_RETURN(const TimePoint next, NextVisible());
      if (next > clock_.Now()) {
        database_->WaitForChange(context, clock_, Topic::kMessages, seen, next);
        continue;
      }
      const Status status = database_->Write(
          context, clock_, Topic::kNothing,
          [&](Connection& connection) { return Claim(connection, options, deliveries); });
      if (status.ok() && !deliveries.empty()) break;
      deliveries.clear();
      if (!status.ok() && context.Check(clock_.Now()).ok()) return status;
    }
    return deliveries;
  }

  Status Ack(const Context& context, std::span<const Receipt> receipts) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
    return database_->Write(
        context, clock_, Topic::kNothing, [&](Connection& connection) -> Status {
          int64_t removed = 0;
          for (const Receipt& receipt : receipts) {
            const Lease lease = ReadReceipt(receipt);
            Query remove(
                connection,
                "DELETE FROM messages WHERE number = ?1 AND received = ?2 AND visible > ?3",
                lease.number, lease.received, clock_.WallNow());
            NANOGRID_RETURN_IF_ERROR(remove.Run());
            removed += connection.Changes();
          }
          return AddToCounter(connection, kMessagesCounter, -removed).status();
        });
  }

  Result<std::vector<Receipt>> Extend(const Context& context, std::span<const Receipt> receipts,
                                      Duration lease_time) override {
    NANOGRID_RETURN_IF_ERROR(CheckReceipts(receipts));
    NANOGRID_RETURN_IF_ERROR(CheckExtension(lease_time));
    std::vector<Receipt> lost;
    const auto change = [&](Connection& connection) -> Status {
      const SystemTime now = clock_.WallNow();
      for (const Receipt& receipt : receipts) {
        const Lease lease = ReadReceipt(receipt);
        Query update(connection,
                     "UPDATE messages SET visible = ?4 "
                     "WHERE number = ?1 AND received = ?2 AND visible > ?3",
                     lease.number, lease.received, now, Later(now, lease_time));
        NANOGRID_RETURN_IF_ERROR(update.Run());
        if (connection.Changes() == 0) lost.push_back(receipt);
      }
      return absl::OkStatus();
    };
    // Wakes because something may be visible earlier than who waits thinks.
    NANOGRID_RETURN_IF_ERROR(database_->Write(context, clock_, Topic::kMessages, change));
    return lost;
  }

  Result<QueueDepth> Depth(const Context& context) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    QueueDepth depth;
    const auto count = [&](Connection& connection) -> Status {
      // Few are hidden, many may be visible: those are what remains of all.
      Query hidden(connection,
                   "SELECT count(*), sum(received > 0), "
                   "(SELECT value FROM counters WHERE name = ?2) FROM messages WHERE visible > ?1",
                   clock_.WallNow(), kMessagesCounter);
      NANOGRID_RETURN_IF_ERROR(hidden.Next().status());
      depth.leased = hidden.Int<uint64_t>(1);
      depth.delayed = hidden.Int<uint64_t>(0) - depth.leased;
      depth.visible = hidden.Int<uint64_t>(2) - hidden.Int<uint64_t>(0);
      return absl::OkStatus();
    };
    NANOGRID_RETURN_IF_ERROR(database_->Read(count));
    return depth;
  }

 private:
  // When a message will be visible on the clock that waits; max() if there is none.
  Result<TimePoint> NextVisible() {
    TimePoint next = TimePoint::max();
    NANOGRID_RETURN_IF_ERROR(database_->Read([&](Connection& connection) -> Status {
      Query first(connection, "SELECT min(visible) FROM messages");
      NANOGRID_ASSIGN_OR_RETURN(const bool row, first.Next());
      if (row && !first.IsNull(0)) next = clock_.Now() + Duration(first.Time(0) - clock_.WallNow());
      return absl::OkStatus();
    }));
    return next;
  }

  Status Claim(Connection& connection, const ReceiveOptions& options,
               std::vector<Delivery>& deliveries) {
    const SystemTime now = clock_.WallNow();
    std::vector<Delivery> claimed;
    Query visible(connection,
                  "SELECT number, received, sent, body FROM messages WHERE visible <= ?1 "
                  "ORDER BY visible, received, number LIMIT ?2",
                  now, options.max_messages);
    while (true) {
      NANOGRID_ASSIGN_OR_RETURN(const bool row, visible.Next());
      if (!row) break;
      const Lease lease{.number = visible.Int(0), .received = visible.Int(1) + 1};
      claimed.push_back({.id = std::to_string(lease.number),
                         .receipt = MakeReceipt(lease),
                         .body = visible.Bytes(3),
                         .receive_count = static_cast<uint32_t>(lease.received),
                         .sent = visible.Time(2)});
    }
    for (const Delivery& delivery : claimed) {
      Query update(connection,
                   "UPDATE messages SET visible = ?2, received = received + 1 WHERE number = ?1",
                   ReadReceipt(delivery.receipt).number, Later(now, options.lease));
      NANOGRID_RETURN_IF_ERROR(update.Run());
    }
    deliveries = std::move(claimed);
    return absl::OkStatus();
  }

  const std::shared_ptr<Database> database_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Queue> MakeQueue(std::shared_ptr<Database> database, const Clock& clock) {
  return std::make_unique<SqliteQueue>(std::move(database), clock);
}

}  // namespace nanogrid::sqlite
