// Says in a test what a call must answer.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "nanogrid/status.h"

namespace nanogrid {

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// The code, and a part of the message.
MATCHER_P2(FailsWith, code, text,
           "fails with " + absl::StatusCodeToString(code) + " and \"" + std::string(text) + "\"") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         std::string(StatusOf(arg).message()).find(text) != std::string::npos;
}

}  // namespace nanogrid
