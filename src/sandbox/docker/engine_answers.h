// What is read out of an engine's answers. Whatever they hold, nothing here fails: what is missing
// or of another type is the default. No I/O.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nanogrid::docker {

// Of GET /containers/ID/json.
struct ContainerState {
  std::string status{};  // "created", "running", "exited" …
  pid_t pid = 0;         // of pid 1, in the engine's pid namespace; 0: not running
  int64_t exit_code = 0;
  bool oom_killed = false;
  bool paused = false;
  std::string error{};
};
ContainerState StateOf(const boost::json::object& container);

// Of GET /images/NAME/json.
struct Image {
  std::string id{};  // "sha256:…"
  std::vector<std::string> volumes{};
  std::string platform{};  // "linux/amd64"
};
Image ImageOf(const boost::json::object& image);

// An element of GET /containers/json. The id is empty if it is none.
struct LabelledContainer {
  std::string id{};
  std::string label{};
};
LabelledContainer LabelledContainerOf(const boost::json::value& container, std::string_view label);

// Of GET /info: whether user ids inside are others outside.
bool MapsUsers(const boost::json::object& info);

}  // namespace nanogrid::docker
