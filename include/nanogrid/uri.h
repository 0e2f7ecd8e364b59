// The address of an adapter: "memory:", "file:///var/lib/x", "sqlite:jobs.db",
// "redis://host:6379/0".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid {

// scheme ":" ["//" host [":" port]] path ["?" key "=" value ("&" …)*]
// A user or password part is refused: secrets come from the environment or a secret source, never
// from a URI that ends up in a log. Percent escapes are decoded in path and query; %00 is refused.
struct Uri {
  std::string scheme{};  // lower case
  std::string host{};    // lower case; an IPv6 address has no brackets here
  uint16_t port = 0;     // 0: not given
  std::string path{};    // decoded; file:///a → "/a", sqlite:a.db → "a.db"
  std::map<std::string, std::string> query{};
  bool has_authority = false;  // "//" was there

  // InvalidArgument names the part and the offending text. At most 4096 bytes.
  static Result<Uri> Parse(std::string_view text);

  // Parse(ToString()) gives an equal Uri.
  std::string ToString() const;

  // InvalidArgument naming the first query key that is not one of `known`, and what is known.
  Status CheckQuery(std::initializer_list<std::string_view> known) const;

  bool operator==(const Uri&) const = default;
};

}  // namespace nanogrid
