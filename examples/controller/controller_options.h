// The command line of nanogrid-controller.
#pragma once

#include <nanogrid/context.h>

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

struct ControllerCommand {
  std::string listen = "127.0.0.1:8080";
  std::string data{};  // empty: $XDG_DATA_HOME/nanogrid, or ~/.local/share/nanogrid
  uint32_t slots = 0;
  std::string token_file{};
  bool no_worker = false;
  uint32_t max_connections = 20'000;
  uint64_t max_body = 256ull << 20;
  nanogrid::Duration retention = std::chrono::hours(24);
  nanogrid::Duration drain = std::chrono::seconds(30);
};

// Declares the options, which are written to `command` when a command line is parsed.
void AddControllerOptions(CLI::App& app, ControllerCommand& command);
