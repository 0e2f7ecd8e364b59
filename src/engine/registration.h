// From what a user hands in to a version in the catalog.
#pragma once

#include "engine/code_store.h"
#include "nanogrid/engine.h"

namespace nanogrid {

// As Engine::Register.
Result<FunctionVersion> RegisterFunction(const Context& context, const EngineParts& parts,
                                         CodeStore& store, const FunctionSpec& spec);

}  // namespace nanogrid
