#include "mirror/entry.h"

#include <boost/json.hpp>

#include "core/errors.h"
#include "core/names.h"

namespace nanogrid::mirror {
namespace {

namespace json = boost::json;

constexpr const char* kPrimaryNames[] = {"up to date", "write", "remove"};

Status Broken() { return absl::DataLossError("outbox: an entry is not as it was written"); }

}  // namespace

std::string EntryJson(const Entry& entry) {
  return json::serialize(json::object{{"key", entry.key},
                                      {"number", entry.number},
                                      {"primary", kPrimaryNames[static_cast<int>(entry.primary)]},
                                      {"remove", entry.remove},
                                      {"if_absent", entry.if_absent},
                                      {"accepted", entry.accepted.time_since_epoch().count()},
                                      {"size", entry.size},
                                      {"sha256", entry.sha256},
                                      {"earlier", json::value_from(entry.earlier)}});
}

Result<Entry> ParseEntry(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return Broken();
  const json::object& object = value.get_object();
  const auto find = [&](const char* name, json::kind kind) -> const json::value* {
    const json::value* const found = object.if_contains(name);
    return found != nullptr && found->kind() == kind ? found : nullptr;
  };
  // Numbers that were written unsigned are read back signed.
  const auto* const key = find("key", json::kind::string);
  const auto* const number = find("number", json::kind::int64);
  const auto* const primary = find("primary", json::kind::string);
  const auto* const remove = find("remove", json::kind::bool_);
  const auto* const if_absent = find("if_absent", json::kind::bool_);
  const auto* const accepted = find("accepted", json::kind::int64);
  const auto* const size = find("size", json::kind::int64);
  const auto* const sha256 = find("sha256", json::kind::string);
  const auto* const earlier = find("earlier", json::kind::array);
  for (const auto* part :
       {key, number, primary, remove, if_absent, accepted, size, sha256, earlier}) {
    if (part == nullptr) return Broken();
  }
  Entry entry{.key = json::value_to<std::string>(*key),
              .number = static_cast<uint64_t>(number->get_int64()),
              .remove = remove->get_bool(),
              .if_absent = if_absent->get_bool(),
              .accepted = SystemTime(std::chrono::milliseconds(accepted->get_int64())),
              .size = static_cast<uint64_t>(size->get_int64()),
              .sha256 = json::value_to<std::string>(*sha256)};
  for (const json::value& hash : earlier->get_array()) {
    if (!hash.is_string()) return Broken();
    entry.earlier.push_back(json::value_to<std::string>(hash));
  }
  for (const Primary known : {Primary::kUpToDate, Primary::kWrite, Primary::kRemove}) {
    if (primary->get_string() != kPrimaryNames[static_cast<int>(known)]) continue;
    entry.primary = known;
    return CheckObjectKey(entry.key).ok() ? Result<Entry>(std::move(entry)) : Broken();
  }
  return Broken();
}

}  // namespace nanogrid::mirror
