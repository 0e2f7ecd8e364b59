// The mirrored store of a process, with an outbox of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nanogrid/adapters/mirror.h"

namespace nanogrid {

// Opens a mirror in the first directory "outbox/N" that no other process has: so what a process
// that is gone has left there is delivered by the next one to start. `make` is called for each
// directory that is tried.
Result<std::unique_ptr<MirroredStore>> OpenMirror(
    const std::string& outbox,
    const std::function<Result<std::unique_ptr<MirroredStore>>(const std::string& directory)>&
        make);

// For /metrics: what waits, what was copied.
void AppendMirrorMetrics(const MirrorStats& stats, std::string& text);

}  // namespace nanogrid
