// The tables.
#pragma once

#include <string>

#include "sqlite/connection.h"

namespace nanogrid::sqlite {

// Makes the tables in an empty file; FailedPrecondition for a file of a newer build, or one that is
// not ours. With nobody else writing.
Status PrepareSchema(Connection& connection, const std::string& path);

// Names in the table `counters`.
inline constexpr char kMessagesCounter[] = "messages";    // how many there are
inline constexpr char kLastMessageCounter[] = "message";  // the last number that was given
inline constexpr char kLastEventCounter[] = "event";

// Adds and answers the new value.
Result<int64_t> AddToCounter(Connection& connection, std::string_view name, int64_t change);

}  // namespace nanogrid::sqlite
