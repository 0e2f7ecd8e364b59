// Columns for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "output.h"

class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(Row{std::move(header), {}}); }

  // As many cells as the header has; control characters are escaped. `color` is that of the cell
  // `colored`.
  void Add(std::vector<std::string> cells);
  void Add(std::vector<std::string> cells, size_t colored, Color color);
  // Lines, each cut to `width` columns (0: as long as they are), the header dimmed.
  std::string Text(const Output& output, size_t width = 0) const;
  size_t size() const { return rows_.size() - 1; }

 private:
  struct Row {
    std::vector<std::string> cells{};
    struct Paint {
      size_t column = 0;
      Color color = Color::kDim;
    };
    std::vector<Paint> paint{};
  };
  std::vector<Row> rows_;
};

// Characters, not bytes: what a terminal shows takes so many columns (wide ones apart).
size_t Columns(std::string_view utf8);
// Of the terminal at standard output; 0 if there is none.
size_t TerminalWidth();
size_t TerminalHeight();
