#include "aws/dynamodb/item.h"

#include <openssl/evp.h>

#include <boost/json.hpp>
#include <cctype>
#include <charconv>

#include "core/errors.h"
#include "core/json.h"

namespace nanogrid::aws {
namespace {

namespace json = boost::json;

json::string Json(std::string_view text) { return json::string(text.data(), text.size()); }
std::string_view View(const json::string& text) { return {text.data(), text.size()}; }
std::string_view View(json::string_view text) { return {text.data(), text.size()}; }

Status Broken(const char* what) {
  return MakeError(absl::StatusCode::kDataLoss, "dynamodb: an answer that is none: {}", what);
}

json::string Base64(std::string_view bytes) {
  json::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // it ends what it writes with a 0
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size())) < 0) {
    return std::nullopt;
  }
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

json::object AttributeJson(const Attribute& attribute) {
  switch (attribute.type) {
    case Attribute::Type::kNumber:
      return {{"N", Json(attribute.value)}};
    case Attribute::Type::kBytes:
      return {{"B", Base64(attribute.value)}};
    case Attribute::Type::kText:
    case Attribute::Type::kOther:
      break;
  }
  return {{"S", Json(attribute.value)}};
}

json::object ItemJson(const Item& item) {
  json::object object;
  for (const auto& [name, attribute] : item) {
    object.emplace(json::string_view(name.data(), name.size()), AttributeJson(attribute));
  }
  return object;
}

Result<Attribute> ReadAttribute(const json::value& value) {
  const json::object* const object = value.if_object();
  if (object == nullptr || object->size() != 1) return Broken("an attribute without a type");
  const std::string_view type = View(object->begin()->key());
  const json::string* const text = object->begin()->value().if_string();
  if (text == nullptr || (type != "S" && type != "N" && type != "B")) {
    return Attribute{.type = Attribute::Type::kOther};
  }
  if (type == "S") return TextValue(View(*text));
  if (type == "N") {
    return Attribute{.type = Attribute::Type::kNumber, .value = std::string(View(*text))};
  }
  const auto bytes = FromBase64(View(*text));
  if (!bytes) return Broken("bytes that are not base64");
  return BytesValue(*bytes);
}

Result<Item> ReadItem(const json::value& value) {
  const json::object* const object = value.if_object();
  if (object == nullptr) return Broken("an item that is no object");
  Item item;
  for (const auto& [name, attribute] : *object) {
    NANOGRID_ASSIGN_OR_RETURN(item[std::string(View(name))], ReadAttribute(attribute));
  }
  return item;
}

Result<std::vector<Item>> ReadItems(const json::value& value) {
  const json::array* const array = value.if_array();
  if (array == nullptr) return Broken("items that are no array");
  std::vector<Item> items;
  for (const json::value& each : *array) {
    NANOGRID_ASSIGN_OR_RETURN(Item item, ReadItem(each));
    items.push_back(std::move(item));
  }
  return items;
}

Result<json::object> ParseAnswer(std::string_view text) {
  if (text.empty()) return json::object();
  if (!CheckJson(text).ok()) return Broken("not JSON");
  json::value value = json::parse({text.data(), text.size()});
  if (!value.is_object()) return Broken("not an object");
  return std::move(value.get_object());
}

// The member of an object in an object; null if there is none.
const json::value* Inside(const json::object& object, json::string_view name,
                          std::string_view member) {
  const json::value* const found = object.if_contains(name);
  if (found == nullptr || !found->is_object()) return nullptr;
  return found->get_object().if_contains(json::string_view(member.data(), member.size()));
}

// "#name" → {"#name": "name"} of all names in an expression.
void AddNames(std::string_view expression, json::object& names) {
  for (size_t at = expression.find('#'); at != expression.npos; at = expression.find('#', at)) {
    size_t end = at + 1;
    while (end < expression.size() &&
           (std::isalnum(static_cast<unsigned char>(expression[end])) != 0 ||
            expression[end] == '_')) {
      ++end;
    }
    const std::string_view placeholder = expression.substr(at, end - at);
    names.insert_or_assign(json::string_view(placeholder.data(), placeholder.size()),
                           Json(placeholder.substr(1)));
    at = end;
  }
}

// Sets expressions that are there, and the names and values that they use.
void AddExpressions(json::object& request,
                    std::initializer_list<std::pair<const char*, std::string_view>> expressions,
                    const Item& values) {
  json::object names;
  for (const auto& [member, expression] : expressions) {
    if (expression.empty()) continue;
    request[member] = Json(expression);
    AddNames(expression, names);
  }
  if (!names.empty()) request["ExpressionAttributeNames"] = std::move(names);
  if (!values.empty()) request["ExpressionAttributeValues"] = ItemJson(values);
}

json::object WriteObject(std::string_view table, const Write& write) {
  json::object request = {{"TableName", Json(table)}};
  request[write.kind == Write::Kind::kPut ? "Item" : "Key"] = ItemJson(write.item);
  AddExpressions(request,
                 {{"UpdateExpression", write.update}, {"ConditionExpression", write.condition}},
                 write.values);
  return request;
}

const char* TransactName(Write::Kind kind) {
  switch (kind) {
    case Write::Kind::kPut:
      return "Put";
    case Write::Kind::kUpdate:
      return "Update";
    case Write::Kind::kDelete:
      return "Delete";
    case Write::Kind::kCheck:
      break;
  }
  return "ConditionCheck";
}

}  // namespace

Attribute TextValue(std::string_view text) { return {.value = std::string(text)}; }
Attribute NumberValue(int64_t number) {
  return {.type = Attribute::Type::kNumber, .value = std::to_string(number)};
}
Attribute BytesValue(std::string_view bytes) {
  return {.type = Attribute::Type::kBytes, .value = std::string(bytes)};
}

std::string_view TextIn(const Item& item, std::string_view name) {
  const auto found = item.find(name);
  const bool text = found != item.end() && found->second.type == Attribute::Type::kText;
  return text ? std::string_view(found->second.value) : std::string_view();
}

std::string_view BytesIn(const Item& item, std::string_view name) {
  const auto found = item.find(name);
  const bool bytes = found != item.end() && found->second.type == Attribute::Type::kBytes;
  return bytes ? std::string_view(found->second.value) : std::string_view();
}

std::optional<int64_t> NumberIn(const Item& item, std::string_view name) {
  const auto found = item.find(name);
  if (found == item.end() || found->second.type != Attribute::Type::kNumber) return std::nullopt;
  const std::string& text = found->second.value;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string GetItemJson(std::string_view table, const Item& key, std::string_view attributes) {
  json::object request = {
      {"TableName", Json(table)}, {"Key", ItemJson(key)}, {"ConsistentRead", true}};
  AddExpressions(request, {{"ProjectionExpression", attributes}}, {});
  return json::serialize(request);
}

std::string WriteJson(std::string_view table, const Write& write, bool answer_new) {
  json::object request = WriteObject(table, write);
  if (answer_new) request["ReturnValues"] = "UPDATED_NEW";
  return json::serialize(request);
}

std::string TransactionJson(std::string_view table, std::span<const Write> writes,
                            std::string_view token) {
  json::array items;
  for (const Write& write : writes) {
    items.push_back(json::object{{TransactName(write.kind), WriteObject(table, write)}});
  }
  return json::serialize(
      json::object{{"TransactItems", std::move(items)}, {"ClientRequestToken", Json(token)}});
}

std::string QueryJson(std::string_view table, const Query& query) {
  json::object request = {{"TableName", Json(table)}};
  if (!query.index.empty()) request["IndexName"] = Json(query.index);
  if (query.consistent && query.index.empty()) request["ConsistentRead"] = true;
  if (!query.forward) request["ScanIndexForward"] = false;
  if (query.limit != 0) request["Limit"] = query.limit;
  if (!query.after.empty()) request["ExclusiveStartKey"] = ItemJson(query.after);
  AddExpressions(request,
                 {{"KeyConditionExpression", query.condition},
                  {"FilterExpression", query.filter},
                  {"ProjectionExpression", query.attributes}},
                 query.values);
  return json::serialize(request);
}

std::string BatchWriteJson(std::string_view table, std::span<const Write> writes) {
  json::array requests;
  for (const Write& write : writes) {
    const bool put = write.kind == Write::Kind::kPut;
    requests.push_back(json::object{{put ? "PutRequest" : "DeleteRequest",
                                     json::object{{put ? "Item" : "Key", ItemJson(write.item)}}}});
  }
  json::object tables;
  tables[json::string_view(table.data(), table.size())] = std::move(requests);
  return json::serialize(json::object{{"RequestItems", std::move(tables)}});
}

std::string BatchGetJson(std::string_view table, std::span<const Item> keys) {
  json::array array;
  for (const Item& key : keys) array.push_back(ItemJson(key));
  json::object tables;
  tables[json::string_view(table.data(), table.size())] =
      json::object{{"Keys", std::move(array)}, {"ConsistentRead", true}};
  return json::serialize(json::object{{"RequestItems", std::move(tables)}});
}

Result<std::optional<Item>> ParseItem(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  for (const char* const member : {"Item", "Attributes"}) {
    const json::value* const found = answer.if_contains(member);
    if (found == nullptr) continue;
    NANOGRID_ASSIGN_OR_RETURN(Item item, ReadItem(*found));
    return std::optional(std::move(item));
  }
  return std::optional<Item>();
}

Result<ItemPage> ParsePage(std::string_view text) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  const json::value* const items = answer.if_contains("Items");
  if (items == nullptr) return Broken("no items");
  ItemPage page;
  NANOGRID_ASSIGN_OR_RETURN(page.items, ReadItems(*items));
  const json::value* const next = answer.if_contains("LastEvaluatedKey");
  if (next != nullptr && !next->is_null()) {
    NANOGRID_ASSIGN_OR_RETURN(page.next, ReadItem(*next));
  }
  return page;
}

Result<std::vector<Write>> ParseBatchWrite(std::string_view text, std::string_view table) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  const json::value* const left = Inside(answer, "UnprocessedItems", table);
  std::vector<Write> writes;
  if (left == nullptr) return writes;
  if (!left->is_array()) return Broken("unprocessed items");
  for (const json::value& each : left->get_array()) {
    const json::object* const request = each.if_object();
    if (request == nullptr) return Broken("unprocessed items");
    Write write;
    const json::value* item = Inside(*request, "PutRequest", "Item");
    if (item == nullptr) {
      write.kind = Write::Kind::kDelete;
      item = Inside(*request, "DeleteRequest", "Key");
    }
    if (item == nullptr) return Broken("unprocessed items");
    NANOGRID_ASSIGN_OR_RETURN(write.item, ReadItem(*item));
    writes.push_back(std::move(write));
  }
  return writes;
}

Result<BatchItems> ParseBatchGet(std::string_view text, std::string_view table) {
  NANOGRID_ASSIGN_OR_RETURN(const json::object answer, ParseAnswer(text));
  BatchItems batch;
  if (const json::value* const items = Inside(answer, "Responses", table)) {
    NANOGRID_ASSIGN_OR_RETURN(batch.items, ReadItems(*items));
  }
  const json::value* const left = Inside(answer, "UnprocessedKeys", table);
  if (left == nullptr) return batch;
  const json::object* const object = left->if_object();
  const json::value* const keys = object == nullptr ? nullptr : object->if_contains("Keys");
  if (keys == nullptr) return Broken("unprocessed keys");
  NANOGRID_ASSIGN_OR_RETURN(batch.unprocessed, ReadItems(*keys));
  return batch;
}

}  // namespace nanogrid::aws
