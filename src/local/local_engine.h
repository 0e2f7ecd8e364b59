// An engine on this machine's sandbox, whatever its stores are.
#pragma once

#include "nanogrid/adapters/local.h"

namespace nanogrid {

// `parts` has objects, catalog and catalog_ttl; the rest is made here, of what `options` says
// besides.
Result<std::unique_ptr<Engine>> MakeLocalEngine(EngineParts parts, const LocalOptions& options);

}  // namespace nanogrid
