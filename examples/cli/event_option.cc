#include "event_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

void AddEventOption(CLI::App& command, EventOption& event) {
  command
      .add_option_function<std::string>(
          "--event",
          [&event](const std::string& value) { event = {.value = value, .given = true}; },
          "The input: JSON, a file's content or standard input; any bytes for exec (default: null)")
      ->type_name("JSON|@FILE|-");
}

nanogrid::Result<std::string> ReadEvent(const EventOption& event) {
  if (!event.given) return std::string("null");
  std::string bytes;
  if (event.value == "-") {
    bytes.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (std::cin.bad()) {
      return absl::InvalidArgumentError("event: standard input cannot be read");
    }
    return bytes;
  }
  if (!event.value.starts_with('@')) return event.value;
  std::ifstream file(event.value.substr(1), std::ios::binary);
  bytes.assign(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    return absl::InvalidArgumentError(
        fmt::format("event '{}': the file cannot be read", event.value));
  }
  return bytes;
}
