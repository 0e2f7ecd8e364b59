// What controllers and workers have in common: the parts that they are made of.
#pragma once

#include <string_view>

#include "core/errors.h"

namespace nanogrid {

// `Parts` is ControllerParts or WorkerParts, `name` its name.
template <typename Parts>
Status CheckParts(std::string_view name, const Parts& parts) {
  const auto check = [name](std::string_view part, const auto& given) -> Status {
    if (given != nullptr) return absl::OkStatus();
    return InvalidArgument("{}.{}: missing", name, part);
  };
  NANOGRID_RETURN_IF_ERROR(check("engine", parts.engine));
  NANOGRID_RETURN_IF_ERROR(check("queue", parts.queue));
  NANOGRID_RETURN_IF_ERROR(check("jobs", parts.jobs));
  NANOGRID_RETURN_IF_ERROR(check("objects", parts.objects));
  NANOGRID_RETURN_IF_ERROR(check("clock", parts.clock));
  return check("observer", parts.observer);
}

}  // namespace nanogrid
