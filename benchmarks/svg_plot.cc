#include "svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>

namespace nanogrid {
namespace {

constexpr double kWidth = 640, kHeight = 400, kLeft = 70, kRight = 110, kTop = 40, kBottom = 50;
constexpr const char* kColours[] = {"#1b6ca8", "#d1495b", "#2e8b57", "#b8860b", "#6a4c93"};

// One axis: powers of ten around what is shown.
struct Axis {
  double low = std::numeric_limits<double>::max();
  double high = 0;
  double start = 0, end = 0;  // on the page

  void Include(double value) {
    low = std::min(low, std::pow(10, std::floor(std::log10(value))));
    high = std::max(high, std::pow(10, std::ceil(std::log10(value))));
  }
  double At(double value) const {
    const double span = std::max(1.0, std::log10(high / low));
    return start + (end - start) * std::log10(value / low) / span;
  }
};

}  // namespace

bool Plot::Write(const std::string& path) const {
  Axis x{.start = kLeft, .end = kWidth - kRight};
  Axis y{.start = kHeight - kBottom, .end = kTop};
  for (const auto& [name, points] : lines_) {
    for (const auto& [at, value] : points) {
      x.Include(at);
      y.Include(value);
    }
  }
  std::string svg;
  const auto out = std::back_inserter(svg);
  fmt::format_to(out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
                 "font-family=\"sans-serif\" font-size=\"12\">\n"
                 "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
                 "<text x=\"{}\" y=\"24\" font-size=\"15\">{}</text>\n",
                 kWidth, kHeight, kLeft, title_);
  for (double tick = x.low; tick <= x.high * 1.01; tick *= 10) {
    fmt::format_to(out,
                   "<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#ddd\"/>\n"
                   "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
                   x.At(tick), kTop, kHeight - kBottom, kHeight - kBottom + 18, tick);
  }
  for (double tick = y.low; tick <= y.high * 1.01; tick *= 10) {
    fmt::format_to(out,
                   "<line x1=\"{1}\" y1=\"{0:.1f}\" x2=\"{2}\" y2=\"{0:.1f}\" stroke=\"#ddd\"/>\n"
                   "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:g}</text>\n",
                   y.At(tick), kLeft, kWidth - kRight, kLeft - 8, y.At(tick) + 4, tick);
  }
  fmt::format_to(out,
                 "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n"
                 "<text x=\"14\" y=\"{}\" transform=\"rotate(-90 14 {})\" "
                 "text-anchor=\"middle\">{}</text>\n",
                 (kLeft + kWidth - kRight) / 2, kHeight - 10, x_name_, kHeight / 2, kHeight / 2,
                 y_name_);
  size_t number = 0;
  for (const auto& [name, points] : lines_) {
    const char* const colour = kColours[number++ % std::size(kColours)];
    std::string line;
    for (const auto& [at, value] : points) {
      fmt::format_to(std::back_inserter(line), "{:.1f},{:.1f} ", x.At(at), y.At(value));
    }
    fmt::format_to(out,
                   "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n"
                   "<text x=\"{}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n",
                   line, colour, kWidth - kRight + 8, kTop + 16.0 * static_cast<double>(number),
                   colour, name);
  }
  svg += "</svg>\n";
  std::ofstream file(path);
  file << svg;
  file.close();
  if (file) return true;
  std::fprintf(stderr, "nanogrid-simulate: cannot write %s\n", path.c_str());
  return false;
}

}  // namespace nanogrid
