#include <algorithm>
#include <functional>

#include "aws/dynamodb/function_head.h"
#include "aws/dynamodb/stores.h"
#include "core/backoff.h"
#include "core/errors.h"
#include "core/names.h"
#include "core/request_id.h"

namespace nanogrid::aws {
namespace {

// Of those who write the same head at once.
constexpr BackoffOptions kConflict{.base = std::chrono::milliseconds(10),
                                   .cap = std::chrono::milliseconds(500)};

Status NoSuchVersion(std::string_view name, uint64_t number) {
  return NotFound("function '{}' has no version {}", name, number);
}

Status CheckExists(const FunctionHead& head, std::string_view name) {
  if (head.number() != 0) return absl::OkStatus();
  return NotFound("function '{}' does not exist", name);
}

Result<uint64_t> FindAlias(const FunctionHead& head, std::string_view name,
                           std::string_view alias) {
  const auto found = head.aliases.find(alias);
  if (found == head.aliases.end()) return NotFound("function '{}' has no alias '{}'", name, alias);
  return found->second;
}

class DynamoFunctionCatalog final : public FunctionCatalog {
 public:
  DynamoFunctionCatalog(std::unique_ptr<DynamoTable> table, const Clock& clock)
      : table_(std::move(table)), clock_(clock) {}

  Result<FunctionVersion> Put(const Context& context, const FunctionVersion& version,
                              uint64_t expected_revision) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(version.name));
    FunctionVersion stored;
    const auto change = [&](FunctionHead& head) -> Result<bool> {
      if (expected_revision != kAnyRevision && expected_revision != head.number()) {
        return MakeError(absl::StatusCode::kAborted,
                         "function '{}': the latest version is {}, not {} as expected",
                         version.name, head.number(), expected_revision);
      }
      if (head.number() != 0) {
        stored = head.latest;
        if (stored.SameDefinition(version)) return false;
        const Write own{.item = VersionItem(head.latest)};
        NANOGRID_RETURN_IF_ERROR(table_->Do(context, own).status());
      }
      stored = version;
      stored.number = ++head.last_number;
      stored.created = clock_.WallNow();
      if (head.number() == 0) head.first = stored.number;
      head.latest = stored;
      return true;
    };
    NANOGRID_RETURN_IF_ERROR(Change(context, version.name, change));
    return stored;
  }

  Result<FunctionVersion> Get(const Context& context, std::string_view name,
                              std::string_view qualifier) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_ASSIGN_OR_RETURN(FunctionHead head, Find(context, name));
    NANOGRID_RETURN_IF_ERROR(CheckExists(head, name));
    uint64_t number = head.number();
    if (!qualifier.empty() && qualifier != kLatest) {
      NANOGRID_ASSIGN_OR_RETURN(number, CheckAliasName(qualifier).ok()
                                            ? FindAlias(head, name, qualifier)
                                            : ParseVersionNumber(qualifier));
    }
    if (number == head.number()) return std::move(head.latest);
    if (number < head.first || number > head.number()) return NoSuchVersion(name, number);
    NANOGRID_ASSIGN_OR_RETURN(const auto item, table_->Get(context, VersionItemKey(name, number)));
    if (!item) return NoSuchVersion(name, number);
    return ReadVersion(*item);
  }

  // The table has no order: it is read whole, for each page.
  Result<FunctionPage> List(const Context& context, std::string_view cursor,
                            size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, ""));
    std::map<std::string, FunctionVersion> first;  // one more than the page has
    Query query{.filter = "attribute_exists(#definition) AND attribute_exists(#revision)"};
    do {
      NANOGRID_ASSIGN_OR_RETURN(ItemPage read, table_->Find(context, query));
      for (const Item& item : read.items) {
        if (!IsHead(item)) continue;
        std::string name(TextIn(item, kFunctionKey));
        if (after && name <= *after) continue;
        if (first.size() > limit && name > first.rbegin()->first) continue;
        NANOGRID_ASSIGN_OR_RETURN(FunctionHead head, ReadHead(item));
        first.insert_or_assign(std::move(name), std::move(head.latest));
        if (first.size() > limit + 1) first.erase(std::prev(first.end()));
      }
      query.after = std::move(read.next);
    } while (!query.after.empty());
    FunctionPage page;
    for (auto& [name, version] : first) {
      if (page.functions.size() == limit) {
        page.cursor = MakeCursor(page.functions.back().name);
        break;
      }
      page.functions.push_back(std::move(version));
    }
    return page;
  }

  Result<FunctionPage> ListVersions(const Context& context, std::string_view name,
                                    std::string_view cursor, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    // Cursors are "NAME/NUMBER", so that one function's does not fit another.
    const std::string prefix = fmt::format("{}/", name);
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    NANOGRID_ASSIGN_OR_RETURN(const FunctionHead head, Find(context, name));
    NANOGRID_RETURN_IF_ERROR(CheckExists(head, name));
    uint64_t end = head.number() + 1;
    if (after) {
      const Result<uint64_t> number =
          ParseVersionNumber(std::string_view(*after).substr(prefix.size()));
      if (!number.ok()) return InvalidArgument("cursor '{}': not one of this listing", cursor);
      end = std::min(end, *number);
    }
    const uint64_t begin = std::max(head.first, end > limit ? end - limit : 1);
    FunctionPage page;
    NANOGRID_ASSIGN_OR_RETURN(page.functions, Versions(context, name, head, begin, end));
    if (begin > head.first && begin < end)
      page.cursor = MakeCursor(fmt::format("{}{}", prefix, begin));
    return page;
  }

  Status PutAlias(const Context& context, std::string_view name, std::string_view alias,
                  uint64_t number) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckAliasName(alias));
    return Change(context, name, [&](FunctionHead& head) -> Result<bool> {
      NANOGRID_RETURN_IF_ERROR(CheckExists(head, name));
      if (number < head.first || number > head.number()) return NoSuchVersion(name, number);
      head.aliases.insert_or_assign(std::string(alias), number);
      return true;
    });
  }

  Status RemoveAlias(const Context& context, std::string_view name,
                     std::string_view alias) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckAliasName(alias));
    return Change(context, name, [&](FunctionHead& head) -> Result<bool> {
      NANOGRID_RETURN_IF_ERROR(CheckExists(head, name));
      NANOGRID_RETURN_IF_ERROR(FindAlias(head, name, alias).status());
      head.aliases.erase(std::string(alias));
      return true;
    });
  }

  Status Remove(const Context& context, std::string_view name) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    std::vector<Write> versions;
    NANOGRID_RETURN_IF_ERROR(Change(context, name, [&](FunctionHead& head) -> Result<bool> {
      versions.clear();
      if (head.number() == 0) return false;
      for (uint64_t number = head.first; number < head.number(); ++number) {
        versions.push_back({.kind = Write::Kind::kDelete, .item = VersionItemKey(name, number)});
      }
      head.first = 0;
      head.latest = {};
      head.aliases.clear();
      return true;
    }));
    // Nobody sees them any more: what a failure leaves costs its storage only.
    return table_->WriteMany(context, std::move(versions));
  }

 private:
  // All zero if there never was one.
  Result<FunctionHead> Find(const Context& context, std::string_view name) {
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto item, table_->Get(context, FunctionItemKey(name)));
    if (!item) return FunctionHead{};
    return ReadHead(*item);
  }

  // Writes the head as `change` leaves it, unless that answers false; again with what is there by
  // then if somebody else was faster.
  Status Change(const Context& context, std::string_view name,
                const std::function<Result<bool>(FunctionHead&)>& change) {
    const std::string id = MakeRequestId();
    for (Backoff backoff(kConflict);;) {
      NANOGRID_ASSIGN_OR_RETURN(FunctionHead head, Find(context, name));
      if (head.change == id) return absl::OkStatus();  // it went through, its answer was lost
      const int64_t before = head.revision;
      NANOGRID_ASSIGN_OR_RETURN(const bool changed, change(head));
      if (!changed) return absl::OkStatus();
      head.revision = before + 1;
      head.change = id;
      Write write{.item = HeadItem(name, head), .condition = "attribute_not_exists(#functionId)"};
      if (before != 0) {
        write.condition = "#revision = :before";
        write.values = {{":before", NumberValue(before)}};
      }
      NANOGRID_ASSIGN_OR_RETURN(const bool done, table_->Do(context, write));
      if (done) return absl::OkStatus();
      NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
    }
  }

  // [begin, end), newest first.
  Result<std::vector<FunctionVersion>> Versions(const Context& context, std::string_view name,
                                                const FunctionHead& head, uint64_t begin,
                                                uint64_t end) {
    std::vector<FunctionVersion> versions;
    std::vector<Item> keys;
    for (uint64_t number = begin; number < end; ++number) {
      if (number == head.number()) {
        versions.push_back(head.latest);
      } else {
        keys.push_back(VersionItemKey(name, number));
      }
    }
    NANOGRID_ASSIGN_OR_RETURN(const auto items, table_->GetMany(context, std::move(keys)));
    for (const Item& item : items) {
      NANOGRID_ASSIGN_OR_RETURN(FunctionVersion version, ReadVersion(item));
      versions.push_back(std::move(version));
    }
    std::sort(versions.begin(), versions.end(),
              [](const auto& a, const auto& b) { return a.number > b.number; });
    return versions;
  }

  const std::unique_ptr<DynamoTable> table_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<FunctionCatalog> MakeFunctionCatalog(std::unique_ptr<DynamoTable> table,
                                                     const Clock& clock) {
  return std::make_unique<DynamoFunctionCatalog>(std::move(table), clock);
}

}  // namespace nanogrid::aws
