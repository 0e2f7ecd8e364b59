// Keeps code by its digest: as objects, and unpacked on this machine.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "engine/code_listing.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// Thread-safe. Any number of processes may share the objects and the directory.
class CodeStore {
 public:
  // `directory` is created if missing. `objects` outlives the store.
  static Status PrepareDirectory(const std::string& directory);
  CodeStore(ObjectStore& objects, std::string directory);

  // Stores the listing as "code/<digest>", unless it is there, and answers the digest.
  Result<std::string> Put(const Context& context, const CodeListing& listing);
  // DataLoss if the stored object is not what its digest says.
  Result<CodeListing> Get(const Context& context, std::string_view digest);

  // The directory with the code of this digest, unpacked there if it was not yet: owned by this
  // process, readable by all, never written again.
  Result<std::string> Unpack(const Context& context, const std::string& digest);

 private:
  ObjectStore& objects_;
  const std::string directory_;
  std::mutex mutex_;
  std::condition_variable_any unpacked_;
  std::set<std::string, std::less<>> unpacking_;  // digests some thread works on
};

}  // namespace nanogrid
