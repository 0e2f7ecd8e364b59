// A plot with logarithmic axes, as an SVG file.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nanogrid {

class Plot {
 public:
  Plot(std::string title, std::string x_name, std::string y_name)
      : title_(std::move(title)), x_name_(std::move(x_name)), y_name_(std::move(y_name)) {}

  // Both positive.
  void Add(const std::string& line, double x, double y) { lines_[line].emplace_back(x, y); }
  // False, with a word on standard error, if the file cannot be written.
  bool Write(const std::string& path) const;

 private:
  const std::string title_, x_name_, y_name_;
  std::map<std::string, std::vector<std::pair<double, double>>> lines_;
};

}  // namespace nanogrid
