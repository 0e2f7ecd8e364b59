// The adapters on one server.
#pragma once

#include <memory>

#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"
#include "redis/client.h"

namespace nanogrid::redis {

// Makes the stream's consumer group if there is none.
Result<std::unique_ptr<Queue>> MakeQueue(std::unique_ptr<Client> client);
std::unique_ptr<JobStore> MakeJobStore(std::unique_ptr<Client> client);

}  // namespace nanogrid::redis
