// Which runtime runs a function's code, and with which handler.
#pragma once

#include <span>
#include <string>

#include "engine/code_listing.h"
#include "nanogrid/runtime.h"

namespace nanogrid {

struct RuntimeChoice {
  const Runtime* runtime = nullptr;
  const Compiler* compiler = nullptr;  // of the main file; null: it runs as it is
  std::string main_file{};             // path in the listing
  std::string handler{};               // "dir/file.function"; or the main file
};

// `runtime` and `handler` as the user gave them, empty for "find out". The main file is, in this
// order: what the handler names; the only file at the top that a runtime can run; the only one of
// these named main, index, app, handler, lambda_function or function; the only one anywhere.
// InvalidArgument lists the candidates if there are several, and the names there are if none fits.
Result<RuntimeChoice> SelectRuntime(const CodeListing& listing, std::span<const Runtime> runtimes,
                                    const std::string& runtime, const std::string& handler);

// InvalidArgument lists the runtimes there are.
Result<const Runtime*> FindRuntime(std::span<const Runtime> runtimes, std::string_view name);

}  // namespace nanogrid
