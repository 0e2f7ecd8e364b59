// Where access tokens come from: a token endpoint for a service account's key, or the metadata
// server of the machine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gcp/token_cache.h"
#include "nanogrid/adapters/gcp.h"

namespace nanogrid::gcp {

// Reads the key's JSON, anew for each token: it may have been rotated.
using ReadKeyText = std::function<Result<std::string>(const Context&)>;

TokenCache::Fetch FetchWithKey(ReadKeyText read, std::string ca_file, const Clock& clock);
// `host`: of the metadata server, perhaps with a port.
TokenCache::Fetch FetchFromMetadata(std::string host);

// What `options` and the environment say; null: nobody. `endpoint` is what is going to be called.
Result<std::unique_ptr<TokenCache>> MakeTokens(const GcsOptions& options,
                                               const std::string& endpoint);

}  // namespace nanogrid::gcp
