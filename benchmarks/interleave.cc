#include "interleave.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

namespace {

constexpr int kWarmUpRounds = 3;
constexpr unsigned kSeed = 1;  // the same orders in every run

}  // namespace

nanogrid::Result<std::vector<std::vector<double>>> Interleave(
    const std::vector<Contender>& contenders, const Schedule& schedule) {
  std::vector<std::vector<double>> series(contenders.size());
  std::vector<size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937 random(kSeed);
  for (int round = -kWarmUpRounds; round < schedule.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t i : order) {
      const Contender& contender = contenders[i];
      if (contender.prepare) {
        const nanogrid::Status ready = contender.prepare();
        if (!ready.ok()) return ready;
      }
      const bool warm_up = round < 0;
      if (schedule.idle > schedule.idle.zero() && !warm_up) {
        std::this_thread::sleep_for(schedule.idle);
      }
      const nanogrid::Result<nanogrid::Duration> took = contender.measure();
      if (!took.ok()) {
        return nanogrid::Status(
            took.status().code(),
            fmt::format("{}: {}", contender.name, std::string(took.status().message())));
      }
      if (!warm_up) {
        series[i].push_back(std::chrono::duration<double, std::micro>(*took).count());
      }
    }
  }
  return series;
}
