// Counts the primes below a number, the event; throws for what is none.
#include <nanogrid/function.h>

#include <charconv>
#include <vector>

static size_t CountPrimes(size_t limit) {
  std::vector<bool> composite(limit);
  size_t count = 0;
  for (size_t i = 2; i < limit; ++i) {
    if (composite[i]) continue;
    ++count;
    for (size_t j = i * i; j < limit; j += i) composite[j] = true;
  }
  return count;
}

NANOGRID_MAIN([](std::string_view event) {
  size_t limit = 0;
  const auto [end, error] = std::from_chars(event.data(), event.data() + event.size(), limit);
  if (error != std::errc() || end != event.data() + event.size() || limit > 100'000'000) {
    throw nanogrid::FunctionFailure("BadLimit", "the event must be a number up to 100000000");
  }
  return std::to_string(CountPrimes(limit));
})
