// What the outbox says about a key, and as a line in a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/clock.h"

namespace nanogrid::mirror {

// What the primary has not heard yet.
enum class Primary { kUpToDate, kWrite, kRemove };

struct Entry {
  std::string key{};
  uint64_t number = 0;  // higher ones replace lower ones of the same key
  Primary primary = Primary::kUpToDate;
  // The second store loses the object if the primary has none. False: then nothing is done.
  bool remove = false;
  bool if_absent = false;  // of kWrite
  SystemTime accepted{};   // kWrite, kRemove
  uint64_t size = 0;       // of kWrite's content
  std::string sha256{};
  // Hashes of contents that this one replaced in the outbox: one of them may have got to the
  // primary all the same, and is nobody else's then. The newest last.
  std::vector<std::string> earlier{};
};

std::string EntryJson(const Entry& entry);
// DataLoss: it is none.
Result<Entry> ParseEntry(std::string_view json);

}  // namespace nanogrid::mirror
