#include "scenarios.h"

#include <algorithm>

int IdleRounds(int rounds) { return std::clamp(rounds / 8, 5, 100); }

void Measure(Bench& bench, const std::string& scenario, const std::vector<Contender>& contenders,
             int rounds) {
  rounds = std::max(rounds, 5);
  const std::pair<const char*, Schedule> conditions[] = {
      {"back to back", {.rounds = rounds}},
      {"after 100 ms idle",
       {.rounds = IdleRounds(rounds), .idle = std::chrono::milliseconds(100)}}};
  for (const auto& [condition, schedule] : conditions) {
    const auto series = Interleave(contenders, schedule);
    if (!series.ok()) return bench.report.AddFailure(scenario, series.status());
    bench.report.AddTimes(scenario, condition, contenders, *series);
  }
}
