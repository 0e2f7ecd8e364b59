#include "nanogrid/testing/scheduler_conformance.h"

namespace nanogrid {

INSTANTIATE_TYPED_TEST_SUITE_P(Scheduler, SchedulerConformance, Scheduler);

}  // namespace nanogrid
