// Bytes that a function wrote, made harmless for where they go.
#pragma once

#include <string>
#include <string_view>

// A JSON string, with its quotes. What is not UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view bytes);

// What a terminal may be shown: control characters other than newline and tab, and what is not
// UTF-8, become \xNN. The text may come in pieces that part a character.
class TerminalEscaper {
 public:
  std::string Escape(std::string_view piece);
  // What is left of a character that never ended.
  std::string Finish();

 private:
  std::string rest_{};  // at most three bytes: the begin of a character
};

std::string EscapeForTerminal(std::string_view text);
