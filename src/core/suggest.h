// What a misspelt name was meant to be.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace nanogrid {

// The one of `names` that is nearest to `name`, if it is near enough to be meant.
std::optional<std::string_view> NearestName(std::string_view name,
                                            std::span<const std::string_view> names);

}  // namespace nanogrid
