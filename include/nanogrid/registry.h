// From a URI to the adapter it names. Built in main: nothing registers itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "nanogrid/job_store.h"
#include "nanogrid/queue.h"
#include "nanogrid/sandbox.h"
#include "nanogrid/secret_source.h"
#include "nanogrid/storage.h"
#include "nanogrid/uri.h"

namespace nanogrid {

// Opens one kind of interface by scheme. Not thread-safe while being filled, then read-only.
template <typename Interface>
class Factories {
 public:
  using Factory = std::function<Result<std::unique_ptr<Interface>>(const Uri&)>;

  // AlreadyExists if the scheme is taken.
  Status Add(std::string scheme, Factory factory) {
    const auto [it, added] = factories_.emplace(std::move(scheme), std::move(factory));
    return added ? absl::OkStatus()
                 : absl::AlreadyExistsError("scheme '" + it->first + "' is registered already");
  }

  // Unimplemented if no adapter of this build has the scheme; the message lists those it has.
  Result<std::unique_ptr<Interface>> Open(std::string_view uri) const {
    Result<Uri> parsed = Uri::Parse(uri);
    if (!parsed.ok()) return parsed.status();
    const auto found = factories_.find(parsed->scheme);
    if (found != factories_.end()) return found->second(*parsed);
    std::string known;
    for (const auto& [scheme, factory] : factories_) known += " " + scheme + ":";
    return absl::UnimplementedError("'" + parsed->scheme + ":' is not in this build; it has" +
                                    (known.empty() ? " nothing" : known));
  }

 private:
  std::map<std::string, Factory, std::less<>> factories_;
};

struct Registry {
  Factories<ObjectStore> object_stores{};
  Factories<FunctionCatalog> catalogs{};
  Factories<Queue> queues{};
  Factories<JobStore> job_stores{};
  Factories<SecretSource> secrets{};
  Factories<Sandbox> sandboxes{};
};

}  // namespace nanogrid
