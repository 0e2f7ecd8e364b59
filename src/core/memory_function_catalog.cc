#include <map>
#include <mutex>
#include <shared_mutex>

#include "core/errors.h"
#include "core/names.h"
#include "nanogrid/adapters/memory.h"

namespace nanogrid {
namespace {

struct Function {
  std::map<uint64_t, FunctionVersion> versions;  // empty: removed
  std::map<std::string, uint64_t, std::less<>> aliases;
  uint64_t last_number = 0;  // survives removal, so that no number ever means two things

  uint64_t Revision() const { return versions.empty() ? 0 : versions.rbegin()->first; }
};

Status NoSuchFunction(std::string_view name) {
  return NotFound("function '{}' does not exist", name);
}

class MemoryFunctionCatalog final : public FunctionCatalog {
 public:
  explicit MemoryFunctionCatalog(const Clock& clock) : clock_(clock) {}

  Result<FunctionVersion> Put(const Context& context, const FunctionVersion& version,
                              uint64_t expected_revision) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(version.name));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::unique_lock lock(mutex_);
    Function& function = functions_[version.name];
    const uint64_t revision = function.Revision();
    if (expected_revision != kAnyRevision && expected_revision != revision) {
      return MakeError(absl::StatusCode::kAborted,
                       "function '{}': the latest version is {}, not {} as expected", version.name,
                       revision, expected_revision);
    }
    if (revision != 0) {
      const FunctionVersion& latest = function.versions.rbegin()->second;
      if (latest.SameDefinition(version)) return latest;
    }
    FunctionVersion stored = version;
    stored.number = ++function.last_number;
    stored.created = clock_.WallNow();
    return function.versions.emplace(stored.number, stored).first->second;
  }

  Result<FunctionVersion> Get(const Context& context, std::string_view name,
                              std::string_view qualifier) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::shared_lock lock(mutex_);
    NANOGRID_ASSIGN_OR_RETURN(const Function* function, Find(name));
    uint64_t number = function->Revision();
    if (!qualifier.empty() && qualifier != kLatest) {
      if (CheckAliasName(qualifier).ok()) {
        const auto alias = function->aliases.find(qualifier);
        if (alias == function->aliases.end()) {
          return NotFound("function '{}' has no alias '{}'", name, qualifier);
        }
        number = alias->second;
      } else {
        NANOGRID_ASSIGN_OR_RETURN(number, ParseVersionNumber(qualifier));
      }
    }
    const auto version = function->versions.find(number);
    if (version == function->versions.end()) {
      return NotFound("function '{}' has no version {}", name, number);
    }
    return version->second;
  }

  Result<FunctionPage> List(const Context& context, std::string_view cursor,
                            size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, ""));
    FunctionPage page;
    const std::shared_lock lock(mutex_);
    auto next = after ? functions_.upper_bound(*after) : functions_.begin();
    for (; next != functions_.end(); ++next) {
      const auto& versions = next->second.versions;
      if (versions.empty()) continue;
      if (page.functions.size() == limit) {
        page.cursor = MakeCursor(page.functions.back().name);
        break;
      }
      page.functions.push_back(versions.rbegin()->second);
    }
    return page;
  }

  Result<FunctionPage> ListVersions(const Context& context, std::string_view name,
                                    std::string_view cursor, size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    // Cursors are "NAME/NUMBER", so that one function's does not fit another.
    const std::string prefix = fmt::format("{}/", name);
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    const std::shared_lock lock(mutex_);
    NANOGRID_ASSIGN_OR_RETURN(const Function* function, Find(name));
    const auto& versions = function->versions;
    auto end = versions.end();
    if (after) {
      const Result<uint64_t> number =
          ParseVersionNumber(std::string_view(*after).substr(prefix.size()));
      if (!number.ok()) return InvalidArgument("cursor '{}': not one of this listing", cursor);
      end = versions.lower_bound(*number);
    }
    FunctionPage page;
    for (auto next = std::make_reverse_iterator(end); next != versions.rend(); ++next) {
      if (page.functions.size() == limit) {
        page.cursor = MakeCursor(fmt::format("{}{}", prefix, page.functions.back().number));
        break;
      }
      page.functions.push_back(next->second);
    }
    return page;
  }

  Status PutAlias(const Context& context, std::string_view name, std::string_view alias,
                  uint64_t number) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckAliasName(alias));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::unique_lock lock(mutex_);
    NANOGRID_ASSIGN_OR_RETURN(Function * function, Find(name));
    if (!function->versions.contains(number)) {
      return NotFound("function '{}' has no version {}", name, number);
    }
    function->aliases.insert_or_assign(std::string(alias), number);
    return absl::OkStatus();
  }

  Status RemoveAlias(const Context& context, std::string_view name,
                     std::string_view alias) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(CheckAliasName(alias));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::unique_lock lock(mutex_);
    NANOGRID_ASSIGN_OR_RETURN(Function * function, Find(name));
    const auto found = function->aliases.find(alias);
    if (found == function->aliases.end()) {
      return NotFound("function '{}' has no alias '{}'", name, alias);
    }
    function->aliases.erase(found);
    return absl::OkStatus();
  }

  Status Remove(const Context& context, std::string_view name) override {
    NANOGRID_RETURN_IF_ERROR(CheckFunctionName(name));
    NANOGRID_RETURN_IF_ERROR(context.Check(clock_.Now()));
    const std::unique_lock lock(mutex_);
    if (const Result<Function*> function = Find(name); function.ok()) {
      (*function)->versions.clear();
      (*function)->aliases.clear();
    }
    return absl::OkStatus();
  }

 private:
  // With mutex_ held.
  Result<Function*> Find(std::string_view name) {
    const auto found = functions_.find(name);
    if (found == functions_.end() || found->second.versions.empty()) return NoSuchFunction(name);
    return &found->second;
  }

  const Clock& clock_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Function, std::less<>> functions_;
};

}  // namespace

std::unique_ptr<FunctionCatalog> MakeMemoryFunctionCatalog(const Clock& clock) {
  return std::make_unique<MemoryFunctionCatalog>(clock);
}

}  // namespace nanogrid
