#include "aws/sqs_test_queue.h"
#include "nanogrid/testing/queue_conformance.h"

namespace nanogrid {
namespace {

QueueAdapter Sqs(const char* name, std::string (*endpoint)(), bool fifo) {
  return {.name = name,
          .make = [=](const Clock&) -> std::unique_ptr<Queue> {
            // Doubles look seldom for what becomes visible during a long poll.
            return OpenSqs(endpoint(), {.queue = NewSqsQueue(endpoint(), fifo),
                                        .group = "",
                                        .wait = std::chrono::seconds(1)});
          },
          .real_time = true,
          .rarely_twice = true};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Moto, QueueConformance, testing::Values(Sqs("moto", MotoUrl, false)));

}  // namespace nanogrid
