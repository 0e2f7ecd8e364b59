// Where code and results lie, and which functions exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/function_spec.h"

namespace nanogrid {

// Bytes to be read, once, front to back.
class Source {
 public:
  virtual ~Source() = default;
  // Up to buffer.size() bytes; 0 at the end.
  virtual Result<size_t> Read(std::span<char> buffer) = 0;
};

// Takes bytes, front to back. An error ends the transfer and is passed on.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Status Write(std::string_view bytes) = 0;
};

struct ObjectInfo {
  std::string key{};
  uint64_t size = 0;
  std::string etag{};  // changes when the content does; opaque
  SystemTime modified{};
};

struct WriteOptions {
  bool if_absent = false;  // AlreadyExists rather than replace
};

struct ObjectPage {
  std::vector<ObjectInfo> objects{};  // by key, byte order
  std::string cursor{};               // empty: that was all
};

// Named byte strings. Thread-safe. A key is 1..1024 bytes of UTF-8 without NUL, no empty, "." or
// ".." segment between slashes, no leading or trailing slash: InvalidArgument. So are, for services
// that cannot keep them, keys with line breaks.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // NotFound if there is none. A reader sees one whole version, also during a Write.
  virtual Status Read(const Context& context, std::string_view key, Sink& sink) = 0;
  // All or nothing, durable on return (memory: as long as the store). Replaces unless if_absent.
  virtual Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                                   const WriteOptions& options = {}) = 0;
  virtual Result<ObjectInfo> Stat(const Context& context, std::string_view key) = 0;
  // OK also if there is none.
  virtual Status Remove(const Context& context, std::string_view key) = 0;
  // Objects whose key starts with prefix, after `cursor` (of an earlier page, same prefix). `limit`
  // is 1..1000. A foreign cursor is InvalidArgument.
  virtual Result<ObjectPage> List(const Context& context, std::string_view prefix,
                                  std::string_view cursor = {}, size_t limit = 1000) = 0;
};

// Whole objects in memory. ReadObject: ResourceExhausted beyond max_bytes.
Result<std::string> ReadObject(const Context& context, ObjectStore& store, std::string_view key,
                               uint64_t max_bytes = std::numeric_limits<uint64_t>::max());
Result<ObjectInfo> WriteObject(const Context& context, ObjectStore& store, std::string_view key,
                               std::string_view content, const WriteOptions& options = {});

struct FunctionPage {
  std::vector<FunctionVersion> functions{};
  std::string cursor{};  // empty: that was all
};

// Which functions exist, in which versions. Thread-safe.
class FunctionCatalog {
 public:
  static constexpr uint64_t kAnyRevision = std::numeric_limits<uint64_t>::max();

  virtual ~FunctionCatalog() = default;

  // Stores `version` under the next number (its own `number` is ignored) and makes it $LATEST.
  // If the latest one has the same definition, that one is answered and nothing changes.
  // `expected_revision`: the number of the latest version as the caller knows it, 0 for none;
  // Aborted if it is another by now.
  virtual Result<FunctionVersion> Put(const Context& context, const FunctionVersion& version,
                                      uint64_t expected_revision = kAnyRevision) = 0;
  // qualifier: a number, an alias, "$LATEST" or empty (the same).
  virtual Result<FunctionVersion> Get(const Context& context, std::string_view name,
                                      std::string_view qualifier = kLatest) = 0;
  // The latest version of each function, by name; limit 1..1000.
  virtual Result<FunctionPage> List(const Context& context, std::string_view cursor = {},
                                    size_t limit = 100) = 0;
  // All versions of one function, newest first; limit 1..1000. NotFound if there is none.
  virtual Result<FunctionPage> ListVersions(const Context& context, std::string_view name,
                                            std::string_view cursor = {}, size_t limit = 100) = 0;
  // Points `alias` ([A-Za-z][A-Za-z0-9_-]{0,63}) at a version that exists.
  virtual Status PutAlias(const Context& context, std::string_view name, std::string_view alias,
                          uint64_t number) = 0;
  // NotFound if there is no such alias.
  virtual Status RemoveAlias(const Context& context, std::string_view name,
                             std::string_view alias) = 0;
  // The function with all versions and aliases. OK also if there is none. Numbers go on where they
  // were if the name is used again.
  virtual Status Remove(const Context& context, std::string_view name) = 0;
};

}  // namespace nanogrid
