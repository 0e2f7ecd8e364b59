// Server-sent events, read as they arrive (WHATWG HTML, 9.2.6).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid {

class EventParser {
 public:
  using OnData = std::function<Status(std::string_view data)>;

  // Calls back with the data of every event that is complete. An error of the callback ends it and
  // is answered; ResourceExhausted for an event that is too long.
  Status Feed(std::string_view bytes, const OnData& on_data);

 private:
  Status TakeLine(std::string_view line, const OnData& on_data);

  std::string line_;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace nanogrid
