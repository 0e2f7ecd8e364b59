// What kill_test kills: kill_writer DATABASE NAME. Lives jobs and sends messages on several threads
// until it dies, and tells on standard output what was acknowledged, a line each:
//   created ID            started ID            logged ID BYTES       ended ID STATE
//   sent MESSAGE BODY     acking MESSAGE        acked MESSAGE         removed ID   removing ID
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "core/request_id.h"
#include "core/test_program.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {
namespace {

// At once: lines are shorter than PIPE_BUF.
void Tell(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::exit(1);
}

void LiveJobs(JobStore& jobs, const std::string& name) {
  for (int n = 0;; ++n) {
    Job job;
    job.id = MakeRequestId();
    job.function = name;
    job.version = 1;
    job.event = "\"" + std::string(static_cast<size_t>(n % 3000), 'e') + "\"";
    job = Must(jobs.Create(Context{}, job));
    Tell("created " + job.id);
    Job next = job;
    next.state = JobState::kProcessing;
    next.attempt = 1;
    next.worker = name;
    job = Must(jobs.Transition(Context{}, {job.id, 0}, JobState::kPending, next));
    Tell("started " + job.id);
    Must(jobs.AppendLog(Context{}, {job.id, 1}, std::string(static_cast<size_t>(n % 500), 'l')));
    Tell("logged " + job.id + " " + std::to_string(n % 500));
    next = job;
    next.state = n % 5 == 0 ? JobState::kFailed : JobState::kSuccess;
    next.outcome = Outcome{.ending = n % 5 == 0 ? Ending::kExited : Ending::kReturned,
                           .result = std::string(static_cast<size_t>(n % 700), '7')};
    job = Must(jobs.Transition(Context{}, {job.id, 1}, JobState::kProcessing, next));
    Tell("ended " + job.id + " " + std::string(ToString(job.state)));
    if (n % 4 != 0) continue;
    Tell("removing " + job.id);
    Must(jobs.Remove(Context{}, job.id));
    Tell("removed " + job.id);
  }
}

void SendMessages(Queue& queue, const std::string& name) {
  for (int n = 0;; n += 3) {
    std::vector<Message> messages;
    for (int i = n; i < n + 3; ++i) messages.push_back({.body = name + "-" + std::to_string(i)});
    const std::vector<std::string> ids = Must(queue.Send(Context{}, messages));
    for (size_t i = 0; i < ids.size(); ++i) Tell("sent " + ids[i] + " " + messages[i].body);
  }
}

void ReceiveMessages(Queue& queue) {
  while (true) {
    // Half as fast as they are sent.
    const auto deliveries = Must(queue.Receive(Context{}, {.max_messages = 2}));
    std::vector<Receipt> receipts;
    for (const Delivery& delivery : deliveries) {
      Tell("acking " + delivery.id);
      receipts.push_back(delivery.receipt);
    }
    Must(queue.Ack(Context{}, receipts));
    for (const Delivery& delivery : deliveries) Tell("acked " + delivery.id);
  }
}

}  // namespace
}  // namespace nanogrid

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const nanogrid::SqliteStores stores = nanogrid::Must(nanogrid::OpenSqlite({.path = argv[1]}));
  const std::string name = argv[2];
  std::vector<std::jthread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] { nanogrid::LiveJobs(*stores.jobs, name); });
  }
  const std::jthread sender([&] { nanogrid::SendMessages(*stores.queue, name); });
  nanogrid::ReceiveMessages(*stores.queue);
}
