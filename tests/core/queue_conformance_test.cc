#include "nanogrid/testing/queue_conformance.h"

#include "nanogrid/adapters/memory.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Memory, QueueConformance,
                         testing::Values(QueueAdapter{
                             "memory", [](const Clock& clock) { return MakeMemoryQueue(clock); }}));

}  // namespace nanogrid
