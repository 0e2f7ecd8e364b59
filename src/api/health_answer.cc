#include "api/health_answer.h"

#include <fmt/format.h>

#include <string>

#include "api/answers.h"

namespace nanogrid {
namespace {

// Health checks that wait for a look, beyond which none is needed.
constexpr size_t kMaxWaiting = 1000;

}  // namespace

bool IsHealthRoute(Route route) {
  return route == Route::kHealth || route == Route::kReady || route == Route::kLive;
}

HttpResponse LiveAnswer() { return JsonAnswer(R"({"status":"ok"})"); }

HttpResponse ReadyAnswer(const std::vector<Dependency>& parts) {
  std::string all, down;
  for (const Dependency& part : parts) {
    const bool ok = part.status.ok();
    all += fmt::format("{}\"{}\":\"{}\"", all.empty() ? "" : ",", part.name,
                       ok ? "OK" : absl::StatusCodeToString(part.status.code()));
    if (!ok) down += fmt::format("{}\"{}\"", down.empty() ? "" : ",", part.name);
  }
  if (down.empty()) return JsonAnswer(fmt::format(R"({{"status":"ok","parts":{{{}}}}})", all));
  HttpResponse response =
      JsonAnswer(fmt::format(R"({{"status":"down","down":[{}],"parts":{{{}}}}})", down, all), 503);
  response.headers.Add("Retry-After", "1");
  return response;
}

void AnswerHealth(Health* health, TaskPool& pool, std::shared_ptr<HttpResponder> responder) {
  if (health == nullptr) return responder->Send(LiveAnswer());
  if (pool.waiting() >= kMaxWaiting) {
    return responder->Send(ErrorAnswer(503, "too many health checks wait; try again later"));
  }
  pool.Post([health, responder = std::move(responder)] {
    responder->Send(ReadyAnswer(health->Check()));
  });
}

}  // namespace nanogrid
