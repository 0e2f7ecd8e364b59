#include "sandbox/docker/engine_answers.h"

#include <limits>

namespace nanogrid::docker {
namespace {

namespace json = boost::json;

const json::object kEmpty{};

json::string_view Key(std::string_view name) { return {name.data(), name.size()}; }

const json::object& Object(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(Key(name));
  const json::object* const found = value != nullptr ? value->if_object() : nullptr;
  return found != nullptr ? *found : kEmpty;
}

std::string Text(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(Key(name));
  const json::string* const found = value != nullptr ? value->if_string() : nullptr;
  return found != nullptr ? std::string(found->data(), found->size()) : "";
}

int64_t Number(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(Key(name));
  const int64_t* const found = value != nullptr ? value->if_int64() : nullptr;
  return found != nullptr ? *found : 0;
}

bool Flag(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(Key(name));
  const bool* const found = value != nullptr ? value->if_bool() : nullptr;
  return found != nullptr && *found;
}

// It goes into paths of requests.
std::string Id(const json::object& object) {
  std::string id = Text(object, "Id");
  const bool fits = id.find_first_not_of("0123456789abcdef") == std::string::npos && !id.empty() &&
                    id.size() <= 64;
  return fits ? id : "";
}

}  // namespace

ContainerState StateOf(const json::object& container) {
  const json::object& state = Object(container, "State");
  const int64_t pid = Number(state, "Pid");
  return {.status = Text(state, "Status"),
          .pid = pid > 0 && pid <= std::numeric_limits<pid_t>::max() ? static_cast<pid_t>(pid) : 0,
          .exit_code = Number(state, "ExitCode"),
          .oom_killed = Flag(state, "OOMKilled"),
          .paused = Flag(state, "Paused"),
          .error = Text(state, "Error")};
}

Image ImageOf(const json::object& image) {
  Image found{.id = Text(image, "Id")};
  found.platform = Text(image, "Os") + "/" + Text(image, "Architecture");
  for (const auto& volume : Object(Object(image, "Config"), "Volumes")) {
    found.volumes.emplace_back(volume.key().data(), volume.key().size());
  }
  return found;
}

LabelledContainer LabelledContainerOf(const json::value& container, std::string_view label) {
  const json::object* const object = container.if_object();
  if (object == nullptr) return {};
  return {.id = Id(*object), .label = Text(Object(*object, "Labels"), label)};
}

bool MapsUsers(const json::object& info) {
  const json::value* const options = info.if_contains("SecurityOptions");
  if (options == nullptr || !options->is_array()) return false;
  for (const json::value& option : options->get_array()) {
    const json::string* const text = option.if_string();
    if (text == nullptr) continue;
    const std::string_view name(text->data(), text->size());
    if (name.starts_with("name=userns") || name.starts_with("name=rootless")) return true;
  }
  return false;
}

}  // namespace nanogrid::docker
