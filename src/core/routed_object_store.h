// Two object stores as one: which of them has an object is decided by its key.
#pragma once

#include <memory>
#include <string>

#include "nanogrid/storage.h"

namespace nanogrid {

// Keys that start with `prefix` are in `routed`, all others in `rest`, and what lies in the wrong
// one is not seen.
std::unique_ptr<ObjectStore> MakeRoutedObjectStore(std::string prefix,
                                                   std::shared_ptr<ObjectStore> routed,
                                                   std::shared_ptr<ObjectStore> rest);

}  // namespace nanogrid
