// Which names and keys are valid, and the cursors of listings: the same for every adapter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid {

bool IsUtf8(std::string_view text);

// InvalidArgument says what is wrong with it.
Status CheckFunctionName(std::string_view name);
// Whose call it is: at most 256 bytes of UTF-8 without control characters; empty: nobody's.
Status CheckTenant(std::string_view tenant);
Status CheckAliasName(std::string_view alias);
// A qualifier that is neither $LATEST nor an alias: the number of a version, from 1.
Result<uint64_t> ParseVersionNumber(std::string_view text);
Status CheckObjectKey(std::string_view key);
// See secret_source.h.
Status CheckSecretName(std::string_view name);
// Variables of a function, as they can be given to a process.
Status CheckEnvironment(const std::map<std::string, std::string>& env);
// `limit` of a listing: 1..1000.
Status CheckListLimit(size_t limit);

// A cursor holds the last name of its page.
std::string MakeCursor(std::string_view last);
// The name, none for the first page (an empty cursor). InvalidArgument if the cursor was not made
// by a listing of names that start with `prefix`.
Result<std::optional<std::string>> ReadCursor(std::string_view cursor, std::string_view prefix);

}  // namespace nanogrid
