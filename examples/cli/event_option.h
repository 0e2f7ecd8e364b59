// --event JSON|@FILE|-
#pragma once

#include <nanogrid/status.h>

#include <string>

namespace CLI {
class App;
}

struct EventOption {
  std::string value{};
  bool given = false;
};

void AddEventOption(CLI::App& command, EventOption& event);

// The bytes that it means; "null" if nothing was given.
nanogrid::Result<std::string> ReadEvent(const EventOption& event);
