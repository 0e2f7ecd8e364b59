// Items of DynamoDB and the requests that read and change them, as JSON. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/status.h"

namespace nanogrid::aws {

struct Attribute {
  enum class Type { kText, kNumber, kBytes, kOther };
  Type type = Type::kText;
  std::string value{};  // a number's decimal digits; empty for a type that is not known here

  bool operator==(const Attribute&) const = default;
};
using Item = std::map<std::string, Attribute, std::less<>>;

Attribute TextValue(std::string_view text);
Attribute NumberValue(int64_t number);
Attribute BytesValue(std::string_view bytes);

// What an item has under a name; empty or none if it has nothing of that type.
std::string_view TextIn(const Item& item, std::string_view name);
std::string_view BytesIn(const Item& item, std::string_view name);
std::optional<int64_t> NumberIn(const Item& item, std::string_view name);

// Expressions name every attribute as "#name" and every value as ":value", so that none of
// DynamoDB's reserved words is in the way.

struct Write {
  enum class Kind { kPut, kUpdate, kDelete, kCheck };
  Kind kind = Kind::kPut;
  Item item{};              // the whole one; its key alone unless it is a put
  std::string update{};     // "SET #a = :a REMOVE #b"
  std::string condition{};  // empty: none
  Item values{};            // ":a"
};

struct Query {
  std::string index{};      // a secondary one; empty: the table
  std::string condition{};  // on the key; empty: reads the whole table (Scan)
  std::string filter{};     // of what was read, and is paid for
  Item values{};
  std::string attributes{};  // "#a, #b"; empty: all
  bool forward = true;
  bool consistent = true;  // secondary indexes cannot
  size_t limit = 0;        // of what is read, before the filter; 0: a megabyte
  Item after{};            // where the page before has ended
};

struct ItemPage {
  std::vector<Item> items{};
  Item next{};  // empty: that was all
};

std::string GetItemJson(std::string_view table, const Item& key, std::string_view attributes);
// PutItem, UpdateItem (which answers the new values if `answer_new`), DeleteItem.
std::string WriteJson(std::string_view table, const Write& write, bool answer_new = false);
// `token` (at most 36 bytes) keeps it from being carried out twice.
std::string TransactionJson(std::string_view table, std::span<const Write> writes,
                            std::string_view token);
std::string QueryJson(std::string_view table, const Query& query);
// Puts and deletes without conditions, at most kMaxBatchWrite.
std::string BatchWriteJson(std::string_view table, std::span<const Write> writes);
// At most kMaxBatchGet.
std::string BatchGetJson(std::string_view table, std::span<const Item> keys);
inline constexpr size_t kMaxBatchWrite = 25;
inline constexpr size_t kMaxBatchGet = 100;

// Of GetItem and UpdateItem; none if there is no such item. DataLoss if it is no such answer.
Result<std::optional<Item>> ParseItem(std::string_view json);
Result<ItemPage> ParsePage(std::string_view json);
// What was not carried out comes back: to be sent again.
Result<std::vector<Write>> ParseBatchWrite(std::string_view json, std::string_view table);
struct BatchItems {
  std::vector<Item> items{};
  std::vector<Item> unprocessed{};  // keys
};
Result<BatchItems> ParseBatchGet(std::string_view json, std::string_view table);

}  // namespace nanogrid::aws
