#include "statistics.h"

#include <algorithm>
#include <cmath>

double Percentile(std::span<const double> samples, double fraction) {
  if (samples.empty()) return 0;
  std::vector<double> sorted(samples.begin(), samples.end());
  const double rank = std::ceil(fraction * static_cast<double>(sorted.size()));
  const size_t index = rank < 1 ? 0 : static_cast<size_t>(rank) - 1;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(index),
                   sorted.end());
  return sorted[index];
}

double MedianOfPairedRatios(std::span<const double> samples, std::span<const double> reference) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(samples.size(), reference.size()); ++i) {
    if (reference[i] > 0) ratios.push_back(samples[i] / reference[i]);
  }
  return Median(ratios);
}
