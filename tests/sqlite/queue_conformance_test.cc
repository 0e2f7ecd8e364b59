#include "nanogrid/testing/queue_conformance.h"

#include "sqlite/temporary_database.h"

namespace nanogrid {

INSTANTIATE_TEST_SUITE_P(Sqlite, QueueConformance,
                         testing::Values(QueueAdapter{"sqlite", [](const Clock& clock) {
                                                        return NewDatabase().Open(clock).queue;
                                                      }}));

}  // namespace nanogrid
