// What is told about a series of samples.
#pragma once

#include <span>
#include <vector>

// The value below which `fraction` of the samples lie, by nearest rank; 0 of no samples.
double Percentile(std::span<const double> samples, double fraction);
inline double Median(std::span<const double> samples) { return Percentile(samples, 0.5); }

// The median of samples[i] / reference[i]: pairs were taken next to each other, so that a machine
// that is slow for a while is slow for both.
double MedianOfPairedRatios(std::span<const double> samples, std::span<const double> reference);
