#include "report.h"

#include <fmt/format.h>
#include <nanogrid/function.h>

#include <algorithm>
#include <iterator>

#include "statistics.h"

namespace {

using nanogrid::JsonString;

// Three significant digits: more would pretend to a precision that is not there.
std::string Figure(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string Ratio(bool compared, double ratio) { return compared ? Figure(ratio) + "x" : "-"; }

std::vector<std::string> Cells(const Row& row) {
  return {"  " + row.name,
          row.unit,
          Figure(row.p50),
          row.p99 > 0 ? Figure(row.p99) : "-",
          std::to_string(row.samples),
          Ratio(row.compared(), row.ratio_of_medians),
          Ratio(row.compared(), row.median_of_ratios),
          row.compared() ? row.versus : "-",
          row.bar ? "<= " + Figure(*row.bar) + "x" : "-",
          row.bar ? row.Verdict() : "-"};
}

template <typename Notes>
std::string NotesJson(const Notes& notes) {
  std::string json = "{";
  for (const auto& [name, value] : notes) {
    json +=
        fmt::format("{}{}: {}", json.size() > 1 ? ", " : "", JsonString(name), JsonString(value));
  }
  return json + "}";
}

std::string RowJson(const Row& row) {
  std::string json = fmt::format(
      R"({{"scenario": {}, "condition": {}, "name": {}, "unit": {}, "samples": {}, "p50": {:.3f})",
      JsonString(row.scenario), JsonString(row.condition), JsonString(row.name),
      JsonString(row.unit), row.samples, row.p50);
  if (row.p99 > 0) json += fmt::format(R"(, "p99": {:.3f})", row.p99);
  if (row.compared()) {
    json += fmt::format(R"(, "versus": {}, "ratio_of_medians": {:.4f}, "median_of_ratios": {:.4f})",
                        JsonString(row.versus), row.ratio_of_medians, row.median_of_ratios);
  }
  if (row.bar) {
    json += fmt::format(R"(, "bar": {}, "verdict": {})", *row.bar, JsonString(row.Verdict()));
  }
  return json + "}";
}

}  // namespace

std::string Row::Verdict() const {
  if (!bar) return "";
  const auto [least, most] = std::minmax(ratio_of_medians, median_of_ratios);
  return most <= *bar ? "met" : least > *bar ? "missed" : "unclear";
}

void Report::AddTimes(const std::string& scenario, const std::string& condition,
                      const std::vector<Contender>& contenders,
                      const std::vector<std::vector<double>>& microseconds) {
  for (size_t i = 0; i < contenders.size(); ++i) {
    const Contender& contender = contenders[i];
    Row row;
    row.scenario = scenario;
    row.condition = condition;
    row.name = contender.name;
    row.samples = microseconds[i].size();
    row.p50 = Median(microseconds[i]);
    row.p99 = Percentile(microseconds[i], 0.99);
    const auto other = std::find_if(contenders.begin(), contenders.end(),
                                    [&](const Contender& c) { return c.name == contender.versus; });
    if (other != contenders.end()) {
      const auto& reference = microseconds[static_cast<size_t>(other - contenders.begin())];
      row.versus = contender.versus;
      row.ratio_of_medians = row.p50 / Median(reference);
      row.median_of_ratios = MedianOfPairedRatios(microseconds[i], reference);
      row.bar = contender.bar;
    }
    rows_.push_back(std::move(row));
  }
}

std::string Report::Table() const {
  std::string text;
  for (const auto& [name, value] : facts_) text += fmt::format("{:<14}{}\n", name, value);
  std::vector<std::vector<std::string>> lines = {
      {"", "unit", "p50", "p99", "n", "ratio", "pairs", "versus", "bar", "verdict"}};
  std::string group;
  for (const Row& row : rows_) {
    const std::string of_row = fmt::format("{}, {}", row.scenario, row.condition);
    if (of_row != group) lines.push_back({of_row});
    group = of_row;
    lines.push_back(Cells(row));
  }
  std::vector<size_t> widths(lines[0].size());
  for (const auto& line : lines) {
    if (line.size() == 1) continue;
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    text += line.size() == 1 ? "\n" + line[0] : fmt::format("{:<{}}", line[0], widths[0]);
    for (size_t i = 1; i < line.size(); ++i) {
      const bool number = i >= 2 && i <= 6;
      text += number ? fmt::format("  {:>{}}", line[i], widths[i])
                     : fmt::format("  {:<{}}", line[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  for (const auto& [what, why] : skips_) text += fmt::format("\nskipped: {}: {}\n", what, why);
  for (const auto& [what, why] : failures_) text += fmt::format("\nFAILED: {}: {}\n", what, why);
  return text;
}

std::string Report::Json() const {
  std::string rows;
  for (const Row& row : rows_) rows += (rows.empty() ? "\n  " : ",\n  ") + RowJson(row);
  return fmt::format("{{\"machine\": {},\n \"rows\": [{}],\n \"skipped\": {},\n \"failed\": {}}}\n",
                     NotesJson(facts_), rows, NotesJson(skips_), NotesJson(failures_));
}
