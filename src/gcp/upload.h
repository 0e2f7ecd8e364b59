// One object's way into the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gcp/calls.h"
#include "gcp/crc32c.h"
#include "gcp/storage_api.h"

namespace nanogrid::gcp {

struct UploadTo {
  std::string bucket{};
  std::string object{};
  bool if_absent = false;  // AlreadyExists rather than replace
};

// All of it in one request; the server checks its CRC.
Result<RemoteObject> UploadWhole(const Context& context, Calls& calls, const UploadTo& to,
                                 std::string_view content);

// In pieces, of which each goes on where the server says that it has broken off. Nothing is to be
// seen before Finish; who gives up calls Cancel.
class ResumableUpload {
 public:
  static Result<ResumableUpload> Begin(const Context& context, Calls& calls, const UploadTo& to);

  // Not the last one: a multiple of 256 KiB.
  Status Add(const Context& context, std::string_view piece);
  // The last one, of any size.
  Result<RemoteObject> Finish(const Context& context, std::string_view piece);
  // As far as that can be done quickly.
  void Cancel();

 private:
  ResumableUpload(Calls& calls, std::string target) : calls_(calls), target_(std::move(target)) {}
  Result<std::optional<RemoteObject>> Send(const Context& context, std::string_view piece,
                                           bool last);
  HttpRequest MakeRequest(uint64_t from, uint64_t to, bool last) const;

  Calls& calls_;
  std::string target_;
  uint64_t offset_ = 0;  // of the piece that is being sent
  Crc32c crc_{};
};

}  // namespace nanogrid::gcp
