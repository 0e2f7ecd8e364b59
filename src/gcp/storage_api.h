// Google Cloud Storage's JSON API: requests and answers as values. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "nanogrid/storage.h"

namespace nanogrid::gcp {

struct RemoteObject {
  std::string name{};
  uint64_t size = 0;
  std::string generation{};  // a new one for every content; decimal
  std::string crc32c{};      // base64; empty: not said
  SystemTime updated{};
  std::string write_id{};  // whose write it was (kWriteIdKey); empty: not said
};

struct ObjectListing {
  std::vector<RemoteObject> objects{};
  std::string page_token{};  // empty: that was all
};

// Metadata of an object by which a writer knows its own.
inline constexpr char kWriteIdKey[] = "nanogrid-write";

// "/storage/v1/b/BUCKET/o/OBJECT"; names of any bytes. Without an object: the bucket's objects.
std::string ObjectTarget(std::string_view bucket, std::string_view object = {});
std::string UploadTarget(std::string_view bucket, std::string_view type, std::string_view object,
                         bool if_absent);

// The metadata that an upload brings. `crc32c`: what its content must have, unless empty.
std::string ObjectMetadata(std::string_view object, std::string_view write_id,
                           std::string_view crc32c);
// multipart/related of metadata and content; `boundary` is in neither.
std::string MultipartBody(std::string_view boundary, std::string_view metadata,
                          std::string_view content);

// Internal: not what the API answers.
Result<RemoteObject> ParseRemoteObject(std::string_view json);
Result<ObjectListing> ParseListing(std::string_view json);

// How many bytes of an upload are kept, of a 308's Range "bytes=0-N"; none is 0. Internal: not
// that.
Result<uint64_t> ParseKept(const HttpHeaders& headers);
// crc32c of "crc32c=…,md5=…", which may be one header or several; empty: not said.
std::string ParseHash(const HttpHeaders& headers);
// What the server says about a refusal, {"error": {"message"}}; empty: nothing readable.
std::string ParseErrorMessage(std::string_view body);
// Path and query of an absolute URL, or what begins with a slash. Internal: neither.
Result<std::string> TargetOfUrl(std::string_view url);

// Whether the same request may succeed a little later.
bool IsTransient(int http_status);
// The code that fits the caller's next move: "gs ACTION: MESSAGE (HTTP n)".
Status RefusalStatus(std::string_view action, const HttpResponse& response);

}  // namespace nanogrid::gcp
