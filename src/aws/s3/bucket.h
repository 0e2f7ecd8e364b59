// Operations on the objects of one bucket, by their names there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/client.h"
#include "aws/s3/protocol.h"

namespace nanogrid::aws {

// What a writer says about its object.
struct S3WriteOptions {
  bool if_absent = false;  // AlreadyExists rather than replace
  std::string write_id{};  // by which it is recognised
};

// Thread-safe.
class S3Bucket {
 public:
  S3Bucket(std::unique_ptr<Client> client, std::string path)
      : client_(std::move(client)), path_(std::move(path)) {}

  Result<HttpHeaders> Head(const Context& context, std::string_view name);
  // From `offset` on, of the version `etag` unless that is empty. Answers the headers.
  Result<HttpHeaders> Get(const Context& context, std::string_view name, uint64_t offset,
                          std::string_view etag, const HttpClient::OnBody& on_body);
  // Answers the ETag.
  Result<std::string> Put(const Context& context, std::string_view name, std::string content,
                          const S3WriteOptions& options);
  Status Delete(const Context& context, std::string_view name);
  Result<S3Listing> List(const Context& context, const S3ListRequest& request);

  Result<std::string> BeginUpload(const Context& context, std::string_view name,
                                  const S3WriteOptions& options);
  // `number` from 1. Answers the part's ETag.
  Result<std::string> PutPart(const Context& context, std::string_view name,
                              std::string_view upload, size_t number, std::string content);
  Status CompleteUpload(const Context& context, std::string_view name, std::string_view upload,
                        const std::vector<std::string>& etags, const S3WriteOptions& options);
  Status AbortUpload(const Context& context, std::string_view name, std::string_view upload);

 private:
  std::string TargetOf(std::string_view name) const { return path_ + S3ObjectPath(name); }
  // Of a write that failed with `error`: OK if what is there is this writer's all the same.
  Status Judge(const Context& context, std::string_view name, const S3WriteOptions& options,
               Status error);

  const std::unique_ptr<Client> client_;
  const std::string path_;
};

}  // namespace nanogrid::aws
