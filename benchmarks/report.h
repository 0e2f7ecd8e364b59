// Collects what was measured; prints it as a table or as JSON.
#pragma once

#include <nanogrid/status.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interleave.h"

struct Row {
  std::string scenario{};   // "cold start of a static program"
  std::string condition{};  // "back to back"
  std::string name{};
  std::string unit = "us";  // "us": time of one operation; "per s": operations per second
  size_t samples = 0;
  double p50 = 0;
  double p99 = 0;

  // Compared with another row of the same scenario and condition. Ratios are in time per operation
  // in both units: less is better.
  std::string versus{};
  double ratio_of_medians = 0;
  double median_of_ratios = 0;
  std::optional<double> bar{};

  bool compared() const { return !versus.empty(); }
  // "met" or "missed" if both ratios say so, else "unclear"; empty without a bar.
  std::string Verdict() const;
};

class Report {
 public:
  void AddFact(std::string name, std::string value) {
    facts_.emplace_back(std::move(name), std::move(value));
  }
  // One row per contender, from what Interleave answered.
  void AddTimes(const std::string& scenario, const std::string& condition,
                const std::vector<Contender>& contenders,
                const std::vector<std::vector<double>>& microseconds);
  void AddRow(Row row) { rows_.push_back(std::move(row)); }
  // Something that this machine lacks; not a failure.
  void AddSkip(const std::string& what, const std::string& why) { skips_.emplace_back(what, why); }
  void AddFailure(const std::string& what, const nanogrid::Status& why) {
    failures_.emplace_back(what, std::string(why.message()));
  }
  bool failed() const { return !failures_.empty(); }

  std::string Table() const;
  std::string Json() const;

 private:
  using Notes = std::vector<std::pair<std::string, std::string>>;

  Notes facts_, skips_, failures_;
  std::vector<Row> rows_;
};
