// Versions, made ready to run on this machine.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/code_store.h"
#include "nanogrid/engine.h"

namespace nanogrid {

struct Deployment {
  std::string key;  // unique per version: "name:number"
  FunctionPackage package;
  uint32_t concurrency = 0;
  bool fresh = false;
  bool per_tenant = false;
  Sandbox* sandbox = nullptr;
  std::atomic<bool> removed = false;  // its instances are not kept any more
};

// Finds out which version a qualifier means and deploys it, once. Thread-safe.
class Deployments {
 public:
  // The arguments outlive this object.
  Deployments(const EngineParts& parts, CodeStore& store);

  Result<std::shared_ptr<Deployment>> Find(const Context& context, std::string_view function,
                                           std::string_view qualifier);
  // The function has another latest version: what its qualifiers mean is looked up anew.
  void Refresh(std::string_view function);
  // The function is gone: answers what was deployed of it, marked as removed.
  std::vector<std::shared_ptr<Deployment>> Remove(std::string_view function);

 private:
  struct Meaning {
    std::shared_ptr<Deployment> deployment;
    TimePoint until;  // not to be trusted from then on
  };
  struct Function {
    std::map<std::string, Meaning, std::less<>> by_qualifier;  // while catalog_ttl lasts
    std::map<uint64_t, std::shared_ptr<Deployment>> by_number;
  };

  // Both with the lock held.
  std::shared_ptr<Deployment> Recall(std::string_view function, std::string_view qualifier) const;
  void Remember(std::string_view function, std::string_view qualifier,
                const std::shared_ptr<Deployment>& deployment);
  Result<std::shared_ptr<Deployment>> Deploy(const Context& context,
                                             const FunctionVersion& version);

  const EngineParts& parts_;
  CodeStore& store_;
  std::mutex mutex_;
  uint64_t changes_ = 0;  // Refresh and Remove so far: what was looked up before one is not kept
  std::map<std::string, Function, std::less<>> functions_;
};

}  // namespace nanogrid
