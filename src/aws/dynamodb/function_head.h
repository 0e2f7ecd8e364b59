// Functions as items of the catalog's table. Pure.
//
// The key is one text: "NAME" is the function's head, with its latest version in it; "NAME#7" is an
// older version. A version gets its own item before the head takes the next one, so that every
// write that decides something is one conditional write of one head.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/dynamodb/item.h"
#include "nanogrid/function_spec.h"

namespace nanogrid::aws {

inline constexpr std::string_view kFunctionKey = "functionId";

struct FunctionHead {
  int64_t revision = 0;      // counts writes of the head; 0: there never was one
  std::string change{};      // names the latest write
  uint64_t first = 0;        // versions before it are of a function that was removed
  uint64_t last_number = 0;  // survives removal, so that no number ever means two things
  FunctionVersion latest{};  // its number 0: there is none (any more)
  std::map<std::string, uint64_t, std::less<>> aliases{};

  uint64_t number() const { return latest.number; }
};

Item FunctionItemKey(std::string_view name);
Item VersionItemKey(std::string_view name, uint64_t number);

Item HeadItem(std::string_view name, const FunctionHead& head);
// FailedPrecondition: somebody else's item. DataLoss: a broken one.
Result<FunctionHead> ReadHead(const Item& item);
bool IsHead(const Item& item);

Item VersionItem(const FunctionVersion& version);
Result<FunctionVersion> ReadVersion(const Item& item);

}  // namespace nanogrid::aws
