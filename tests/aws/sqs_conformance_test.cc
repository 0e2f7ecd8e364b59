#include "aws/sqs_test_queue.h"
#include "nanogrid/testing/queue_conformance.h"

namespace nanogrid {
namespace {

// On the double that this program was built for.
std::unique_ptr<Queue> NewQueue(bool fifo) {
  const std::string url = DoubleUrl(NANOGRID_TEST_DOUBLE);
  // Doubles look seldom for what becomes visible during a long poll.
  return OpenSqs(url,
                 {.queue = NewSqsQueue(url, fifo), .group = "", .wait = std::chrono::seconds(1)});
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqs, QueueConformance,
                         testing::Values(QueueAdapter{
                             .name = "sqs",
                             .make = [](const Clock&) { return NewQueue(false); },
                             .real_time = true,
                             .rarely_twice = true}));

}  // namespace nanogrid
