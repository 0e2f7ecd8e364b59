// Which file an object of a "file:" store is.
//
// The segments of a key become directories and a file below the store's directory:
//
//   key     a      a/b     a/b/c%d      a/X, X longer than 240 bytes
//   path    a      a%/b    a%/b%/c%25d  a%/<first 240 bytes of X>%-/<the rest>
//
// "%" ends the name of a directory, so that the object "a" and the prefix "a/" live side by side;
// a "%" of the key is written "%25"; "%-" ends a directory in which a name goes on, because file
// systems end names at 255 bytes. No key's path begins with "%tmp", where files are written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nanogrid {

inline constexpr char kTemporaryDirectory[] = "%tmp";

// Relative to the store's directory.
std::string PathOfKey(std::string_view key);

enum class FileKind {
  kObject,        // the end of a key
  kDirectory,     // a segment, more follow
  kContinuation,  // the beginning of a segment, which goes on inside
};
struct FileName {
  FileKind kind = FileKind::kObject;
  std::string_view escaped;  // without the kind's mark
};
FileName ParseFileName(std::string_view name);

// The key segment, from all its parts. None if no key has it: the file is not the store's.
std::optional<std::string> UnescapeSegment(std::string_view escaped);

}  // namespace nanogrid
