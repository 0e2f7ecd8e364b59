// What /health, /ready and /health/live say: for load balancers, which have no token.
#pragma once

#include <memory>

#include "api/routes.h"
#include "api/task_pool.h"
#include "http/handler.h"
#include "nanogrid/health.h"

namespace nanogrid {

bool IsHealthRoute(Route route);

// The process lives.
HttpResponse LiveAnswer();
// 200, or 503 with the names of what does not answer; no more, since anybody may ask.
HttpResponse ReadyAnswer(const std::vector<Dependency>& parts);

// Looks on a thread of `pool`, and answers. health null: ready.
void AnswerHealth(Health* health, TaskPool& pool, std::shared_ptr<HttpResponder> responder);

}  // namespace nanogrid
