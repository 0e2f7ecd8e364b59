// The Redis queue against what it is made of: XADD, XREADGROUP and XACK by hiredis, over the same
// server, in the same batches.
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <nanogrid/adapters/redis.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "contenders.h"
#include "scenarios.h"

namespace {

using nanogrid::Status;

constexpr int kCycles = 20;  // per sample and thread: send a batch, receive it, acknowledge it
constexpr double kBar = 1 / 0.8;

uint16_t FreePort() {
  const Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd.get(), any, size) == 0 && ::getsockname(fd.get(), any, &size) == 0;
  return bound ? ntohs(address.sin_port) : 0;
}

// Keeps nothing on disk: what is compared is the work, which durability would hide.
class Server {
 public:
  Server() : port_(FreePort()) {
    const std::string port = std::to_string(port_);
    const char* const arguments[] = {"redis-server", "--port",     port.c_str(), "--bind",
                                     "127.0.0.1",    "--save",     "",           "--appendonly",
                                     "no",           "--loglevel", "warning",    nullptr};
    if (::posix_spawnp(&process_, arguments[0], nullptr, nullptr,
                       const_cast<char* const*>(arguments), environ) != 0) {
      process_ = -1;
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  bool started() const { return process_ > 0; }
  uint16_t port() const { return port_; }

 private:
  const uint16_t port_;
  pid_t process_ = -1;
};

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Raw = std::unique_ptr<redisContext, FreeContext>;
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using RawReply = std::unique_ptr<redisReply, FreeReply>;

nanogrid::Result<RawReply> Next(redisContext* raw) {
  void* reply = nullptr;
  if (redisGetReply(raw, &reply) != REDIS_OK) return absl::UnavailableError(raw->errstr);
  RawReply owned(static_cast<redisReply*>(reply));
  if (owned->type != REDIS_REPLY_ERROR) return owned;
  return absl::InternalError(owned->str);
}

Status Append(redisContext* raw, const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const int appended =
      redisAppendCommandArgv(raw, static_cast<int>(words.size()), texts.data(), sizes.data());
  return appended == REDIS_OK ? absl::OkStatus() : absl::InternalError(raw->errstr);
}

// One batch through a stream, as a program would that needs no more.
Status CycleRaw(redisContext* raw, const std::string& body, size_t batch, bool remove) {
  for (size_t i = 0; i < batch; ++i) {
    if (Status s = Append(raw, {"XADD", "raw", "*", "b", body}); !s.ok()) return s;
  }
  for (size_t i = 0; i < batch; ++i) {
    if (const auto id = Next(raw); !id.ok()) return id.status();
  }
  size_t got = 0;
  while (got < batch) {
    const std::vector<std::string> receive = {
        "XREADGROUP", "GROUP", "g",       "c",   "COUNT", std::to_string(batch),
        "BLOCK",      "1000",  "STREAMS", "raw", ">"};
    if (Status s = Append(raw, receive); !s.ok()) return s;
    const auto reply = Next(raw);
    if (!reply.ok()) return reply.status();
    if ((*reply)->type != REDIS_REPLY_ARRAY) return absl::InternalError("nothing came");
    const redisReply* const entries = (*reply)->element[0]->element[1];
    std::vector<std::string> ack = {"XACK", "raw", "g"}, del = {"XDEL", "raw"};
    for (size_t i = 0; i < entries->elements; ++i) {
      const std::string& id = ack.emplace_back(entries->element[i]->element[0]->str);
      del.push_back(id);
    }
    got += entries->elements;
    if (Status s = Append(raw, ack); !s.ok()) return s;
    if (remove) {
      if (Status s = Append(raw, del); !s.ok()) return s;
    }
    for (int i = 0; i < (remove ? 2 : 1); ++i) {
      if (const auto count = Next(raw); !count.ok()) return count.status();
    }
  }
  return absl::OkStatus();
}

Status CycleQueue(nanogrid::Queue& queue, const std::string& body, size_t batch) {
  const std::vector<nanogrid::Message> messages(batch, nanogrid::Message{.body = body});
  if (const auto ids = queue.Send({}, messages); !ids.ok()) return ids.status();
  size_t got = 0;
  while (got < batch) {
    const auto deliveries = queue.Receive({}, {.max_messages = batch});
    if (!deliveries.ok()) return deliveries.status();
    std::vector<nanogrid::Receipt> receipts;
    for (const nanogrid::Delivery& delivery : *deliveries) receipts.push_back(delivery.receipt);
    got += receipts.size();
    if (Status acked = queue.Ack({}, receipts); !acked.ok()) return acked;
  }
  return absl::OkStatus();
}

// All threads do the same at once.
Status InParallel(size_t threads, const std::function<Status(size_t)>& cycle) {
  std::vector<Status> ends(threads);
  {
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        for (int n = 0; n < kCycles && ends[i].ok(); ++n) ends[i] = cycle(i);
      });
    }
  }
  for (const Status& end : ends) {
    if (!end.ok()) return end;
  }
  return absl::OkStatus();
}

struct Sides {
  nanogrid::Queue& queue;
  const std::vector<Raw>& raw;  // a connection for each thread
};

// A stream that nobody takes entries out of must not be longer for one side than for the other.
Status Empty(redisContext* raw) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"DEL", "raw"},
        {"XGROUP", "CREATE", "raw", "g", "0", "MKSTREAM"}}) {
    if (Status s = Append(raw, words); !s.ok()) return s;
    if (const auto reply = Next(raw); !reply.ok()) return reply.status();
  }
  return absl::OkStatus();
}

void MeasureBatches(Bench& bench, const Sides& sides, size_t batch, size_t threads) {
  const std::string body = Payload(200);
  const std::string scenario = fmt::format(
      "Redis queue: {} x {} messages sent, received, "
      "acknowledged, {} thread(s), batches of {}",
      threads * kCycles, batch, threads, batch);
  const auto raw = [&](bool remove) {
    return [&, remove] {
      return Timed([&] {
        return InParallel(threads, [&](size_t thread) {
          return CycleRaw(sides.raw[thread].get(), body, batch, remove);
        });
      });
    };
  };
  const auto prepare = [&] { return Empty(sides.raw[0].get()); };
  const std::vector<Contender> contenders = {
      {.name = "XADD, XREADGROUP, XACK", .measure = raw(false), .prepare = prepare},
      {.name = "the same and XDEL",
       .measure = raw(true),
       .prepare = prepare,
       .versus = "XADD, XREADGROUP, XACK"},
      {.name = "queue",
       .measure =
           [&] {
             return Timed([&] {
               return InParallel(threads,
                                 [&](size_t) { return CycleQueue(sides.queue, body, batch); });
             });
           },
       .versus = "XADD, XREADGROUP, XACK",
       .bar = kBar},
  };
  const auto series = Interleave(contenders, {.rounds = std::max(bench.rounds / 4, 10)});
  if (!series.ok()) return bench.report.AddFailure(scenario, series.status());
  bench.report.AddTimes(scenario, "back to back", contenders, *series);
}

}  // namespace

void MeasureRedisQueue(Bench& bench) {
  constexpr size_t kThreads = 4;
  const Server server;
  if (!server.started()) {
    return bench.report.AddSkip("redis", "redis-server is not there (package redis-server)");
  }
  nanogrid::RedisOptions options;
  options.port = server.port();
  nanogrid::Result<std::unique_ptr<nanogrid::Queue>> queue = absl::UnavailableError("not asked");
  for (int attempt = 0; attempt < 500 && absl::IsUnavailable(queue.status()); ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    queue = nanogrid::OpenRedisQueue(options);
  }
  if (!queue.ok()) return bench.report.AddFailure("redis", queue.status());
  std::vector<Raw> raw;
  for (size_t i = 0; i < kThreads; ++i) raw.emplace_back(redisConnect("127.0.0.1", server.port()));
  for (const auto& [batch, threads] :
       {std::pair<size_t, size_t>{1, 1}, {16, 1}, {64, 1}, {1, kThreads}, {16, kThreads}}) {
    MeasureBatches(bench, {**queue, raw}, batch, threads);
  }
}
