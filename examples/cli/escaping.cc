#include "escaping.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace {

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

// The begin of `text` as one character (Unicode 15, table 3-7).
struct Step {
  size_t length = 1;        // bytes taken, at least 1
  bool valid = false;       // they are one character
  bool incomplete = false;  // they may become one with what follows
  char32_t character = 0;   // if valid
};

Step NextCharacter(std::string_view text) {
  const unsigned char lead = Byte(text[0]);
  if (lead < 0x80) return {.valid = true, .character = lead};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t character = lead & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {.length = i, .incomplete = true};
    const unsigned char byte = Byte(text[i]);
    const unsigned char low = i > 1          ? 0x80
                              : lead == 0xE0 ? 0xA0  // overlong
                              : lead == 0xF0 ? 0x90  // overlong
                                             : 0x80;
    const unsigned char high = i > 1          ? 0xBF
                               : lead == 0xED ? 0x9F  // surrogates
                               : lead == 0xF4 ? 0x8F  // beyond U+10FFFF
                                              : 0xBF;
    if (byte < low || byte > high) return {.length = i};
    character = (character << 6) | (byte & 0x3F);
  }
  return {.length = length, .valid = true, .character = character};
}

bool IsControl(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0);
}

void AppendHex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) fmt::format_to(std::back_inserter(out), "\\x{:02x}", Byte(c));
}

}  // namespace

std::string JsonString(std::string_view bytes) {
  std::string out = "\"";
  while (!bytes.empty()) {
    const Step step = NextCharacter(bytes);
    const std::string_view piece = bytes.substr(0, step.length);
    bytes.remove_prefix(step.length);
    if (!step.valid) {
      out += "\xEF\xBF\xBD";
    } else if (piece == "\"" || piece == "\\") {
      (out += '\\') += piece;
    } else if (piece == "\n") {
      out += "\\n";
    } else if (IsControl(step.character)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(step.character));
    } else {
      out += piece;
    }
  }
  return out += '"';
}

std::string TerminalEscaper::Escape(std::string_view piece) {
  const std::string joined = std::exchange(rest_, {}).append(piece);
  std::string out;
  for (std::string_view text = joined; !text.empty();) {
    const Step step = NextCharacter(text);
    const std::string_view character = text.substr(0, step.length);
    text.remove_prefix(step.length);
    if (step.incomplete) {
      rest_ = character;
    } else if (!step.valid ||
               (IsControl(step.character) && character != "\n" && character != "\t")) {
      AppendHex(out, character);
    } else {
      out += character;
    }
  }
  return out;
}

std::string TerminalEscaper::Finish() {
  std::string out;
  AppendHex(out, std::exchange(rest_, {}));
  return out;
}

std::string EscapeForTerminal(std::string_view text) {
  TerminalEscaper escaper;
  std::string out = escaper.Escape(text);
  return out += escaper.Finish();
}
