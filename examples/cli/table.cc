#include "table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace {

constexpr size_t kGap = 2;

bool BeginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// At most `columns` characters.
std::string_view Cut(std::string_view text, size_t columns) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (BeginsCharacter(text[at]) && columns-- == 0) break;
  }
  return text.substr(0, at);
}

winsize TerminalSize() {
  winsize size = {};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

// One line, whatever is in it.
std::string Cell(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return EscapeForTerminal(text);
}

}  // namespace

size_t Columns(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), BeginsCharacter));
}

size_t TerminalWidth() { return TerminalSize().ws_col; }
size_t TerminalHeight() { return TerminalSize().ws_row; }

void Table::Add(std::vector<std::string> cells) {
  Row& row = rows_.emplace_back();
  for (std::string& cell : cells) row.cells.push_back(Cell(std::move(cell)));
}

void Table::Add(std::vector<std::string> cells, size_t colored, Color color) {
  Add(std::move(cells));
  rows_.back().paint.push_back({colored, color});
}

std::string Table::Text(const Output& output, size_t width) const {
  std::vector<size_t> widths(rows_[0].cells.size(), 0);
  for (const Row& row : rows_) {
    for (size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], Columns(row.cells[i]));
    }
  }
  std::string text;
  for (const Row& row : rows_) {
    size_t left = width == 0 ? std::string::npos : width;
    for (size_t i = 0; i < row.cells.size() && left > 0; ++i) {
      const std::string_view cell = Cut(row.cells[i], left);
      const size_t shown = Columns(cell);
      left -= shown;
      const auto paint = std::find_if(row.paint.begin(), row.paint.end(),
                                      [&](const Row::Paint& each) { return each.column == i; });
      if (&row == &rows_[0]) {
        text += output.Paint(Color::kDim, cell);
      } else {
        text += paint != row.paint.end() ? output.Paint(paint->color, cell) : std::string(cell);
      }
      if (i + 1 == row.cells.size()) break;
      const size_t gap = std::min(left, widths[i] - shown + kGap);
      text.append(gap, ' ');
      left -= gap;
    }
    text += '\n';
  }
  return text;
}
