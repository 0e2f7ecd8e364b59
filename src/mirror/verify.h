// Two stores, compared object by object.
#pragma once

#include <functional>

#include "mirror/outbox.h"
#include "nanogrid/adapters/mirror.h"

namespace nanogrid::mirror {

struct VerifyOptions {
  std::string prefix{};
  bool repair = false;
  // Whether the second store ought to have this key of the primary.
  std::function<bool(std::string_view key)> mirrored{};
};

Result<MirrorReport> VerifyStores(const Context& context, ObjectStore& primary, ObjectStore& second,
                                  Outbox& outbox, const VerifyOptions& options);

}  // namespace nanogrid::mirror
