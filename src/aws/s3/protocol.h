// S3's requests and answers as values. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/endpoint.h"
#include "http/message.h"
#include "nanogrid/storage.h"

namespace nanogrid::aws {

// Metadata of an object by which a writer knows its own, and a reader that it has all.
inline constexpr char kS3WriteHeader[] = "x-amz-meta-nanogrid-write";
inline constexpr char kS3HashHeader[] = "x-amz-meta-nanogrid-sha256";

// How a bucket is named in requests: in the path, or in the host.
struct S3Place {
  std::string endpoint{};  // URL, with the bucket if it is in the host
  std::string path{};      // "/bucket" or empty
};
// Path style for a bucket with dots too: no certificate covers its name as a host.
S3Place PlaceBucket(const Endpoint& endpoint, std::string_view bucket, bool path_style);
// 3..63 of what S3 and services like it allow: InvalidArgument.
Status CheckBucketName(std::string_view bucket);

// Each segment percent-encoded, slashes kept: "/a/b%20c".
std::string S3ObjectPath(std::string_view name);

struct S3ListRequest {
  std::string_view prefix{};
  std::string_view after{};  // names behind this one; empty: from the first
  std::string_view token{};  // of the page before, instead
  size_t limit = 1000;
};
std::string S3ListQuery(const S3ListRequest& request);

struct S3Listing {
  std::vector<ObjectInfo> objects{};  // keys are names in the bucket
  std::string token{};                // empty: that was all
};
// Of ListObjectsV2 with encoding-type=url, or without it, if the service does not know it.
Result<S3Listing> ParseS3Listing(std::string_view xml);

// Of HEAD and GET; `name` is the object's. Internal: what must be there is not.
Result<ObjectInfo> ParseS3Head(std::string_view name, const HttpHeaders& headers);
// Without quotes. Empty: there is none.
std::string ParseS3Etag(const HttpHeaders& headers);

Result<std::string> ParseUploadId(std::string_view xml);
// `etags` of the parts 1, 2, ….
std::string CompleteUploadXml(const std::vector<std::string>& etags);
// Of CompleteMultipartUpload, which may answer 200 and then change its mind: the code of its error;
// empty: it is done.
Result<std::string> ParseCompletionError(std::string_view xml);

}  // namespace nanogrid::aws
