#include "aws/dynamodb/function_head.h"

#include <charconv>

#include "core/errors.h"
#include "core/stored_json.h"

namespace nanogrid::aws {
namespace {

constexpr std::string_view kKind = "kind";
constexpr std::string_view kHead = "nanogrid-function";
constexpr std::string_view kVersion = "nanogrid-version";

std::string AliasText(const FunctionHead& head) {
  std::string text;
  for (const auto& [alias, number] : head.aliases) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", alias, number);
  }
  return text;
}

bool ReadAliases(std::string_view text, FunctionHead& head) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const size_t equals = word.find('=');
    if (equals == word.npos) return false;
    uint64_t number = 0;
    const char* const last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data() + equals + 1, last, number);
    if (error != std::errc() || end != last) return false;
    head.aliases.emplace(word.substr(0, equals), number);
  }
  return true;
}

Status Broken(const Item& item) {
  return MakeError(absl::StatusCode::kDataLoss, "dynamodb: broken item {} '{}'", kFunctionKey,
                   TextIn(item, kFunctionKey));
}

}  // namespace

Item FunctionItemKey(std::string_view name) {
  return {{std::string(kFunctionKey), TextValue(name)}};
}

Item VersionItemKey(std::string_view name, uint64_t number) {
  return FunctionItemKey(fmt::format("{}#{}", name, number));
}

Item HeadItem(std::string_view name, const FunctionHead& head) {
  Item item = FunctionItemKey(name);
  item["kind"] = TextValue(kHead);
  item["revision"] = NumberValue(head.revision);
  item["change"] = TextValue(head.change);
  item["first"] = NumberValue(static_cast<int64_t>(head.first));
  item["last"] = NumberValue(static_cast<int64_t>(head.last_number));
  if (!head.aliases.empty()) item["aliases"] = TextValue(AliasText(head));
  if (head.number() != 0) item["definition"] = BytesValue(FunctionVersionJson(head.latest));
  return item;
}

bool IsHead(const Item& item) { return TextIn(item, kKind) == kHead; }

Result<FunctionHead> ReadHead(const Item& item) {
  if (!IsHead(item)) {
    return FailedPrecondition(
        "dynamodb: item {} '{}' is not NanoGrid's: use another table, or another name",
        kFunctionKey, TextIn(item, kFunctionKey));
  }
  FunctionHead head;
  head.revision = NumberIn(item, "revision").value_or(0);
  head.change = TextIn(item, "change");
  head.first = static_cast<uint64_t>(NumberIn(item, "first").value_or(0));
  head.last_number = static_cast<uint64_t>(NumberIn(item, "last").value_or(0));
  if (head.revision == 0 || !ReadAliases(TextIn(item, "aliases"), head)) return Broken(item);
  if (!item.contains("definition")) return head;
  NANOGRID_ASSIGN_OR_RETURN(head.latest, ParseFunctionVersionJson(BytesIn(item, "definition")));
  return head;
}

Item VersionItem(const FunctionVersion& version) {
  Item item = VersionItemKey(version.name, version.number);
  item["kind"] = TextValue(kVersion);
  item["definition"] = BytesValue(FunctionVersionJson(version));
  return item;
}

Result<FunctionVersion> ReadVersion(const Item& item) {
  if (TextIn(item, kKind) != kVersion) return Broken(item);
  return ParseFunctionVersionJson(BytesIn(item, "definition"));
}

}  // namespace nanogrid::aws
