#include "aws/s3/object_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "aws/adapter_uri.h"
#include "aws/s3/bucket.h"
#include "core/backoff.h"
#include "core/errors.h"
#include "core/names.h"
#include "core/request_id.h"
#include "core/sha256.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace aws {
namespace {

constexpr size_t kLongestName = 1024;  // in bytes, the prefix included
constexpr size_t kMaxParts = 10'000;
constexpr uint64_t kLeastPart = 5 << 20;

// One object that is being read, over as many connections as it takes.
struct Download {
  Sink& sink;
  uint64_t offset = 0;  // so much was passed on
  uint64_t skip = 0;    // of this answer, passed on before
  bool begun = false;   // this answer's head was seen
  std::string etag{};
  std::string expected{};  // SHA-256, if the writer said it
  Sha256 hash{};
  Status sink_error{};

  void Begin(const HttpHeaders& headers) {
    if (!etag.empty()) return;
    etag = ParseS3Etag(headers);
    expected = headers.Get(kS3HashHeader);
  }
  Status Take(const HttpResponse& head, std::string_view piece) {
    if (!begun) skip = head.status == 206 ? 0 : offset;
    begun = true;
    Begin(head.headers);
    const uint64_t known = std::min<uint64_t>(skip, piece.size());
    skip -= known;
    piece.remove_prefix(known);
    if (piece.empty()) return absl::OkStatus();
    if (!expected.empty()) hash.Update(piece);
    offset += piece.size();
    sink_error = sink.Write(piece);
    return sink_error;
  }
};

class S3ObjectStore final : public ObjectStore {
 public:
  S3ObjectStore(std::unique_ptr<Client> client, std::string path, const S3Options& options)
      : prefix_(options.prefix.empty() ? "" : options.prefix + "/"),
        part_bytes_(options.part_bytes),
        attempts_(options.aws.max_attempts),
        bucket_(std::move(client), std::move(path)) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    NANOGRID_RETURN_IF_ERROR(Check(context, key));
    Download download{.sink = sink};
    Backoff backoff;
    while (true) {
      const uint64_t before = download.offset;
      download.begun = false;
      const Result<HttpHeaders> headers =
          bucket_.Get(context, NameOf(key), before, download.etag,
                      [&](const HttpResponse& head, std::string_view piece) {
                        return download.Take(head, piece);
                      });
      NANOGRID_RETURN_IF_ERROR(download.sink_error);
      if (headers.ok()) {
        download.Begin(*headers);
        return CheckHash(key, download);
      }
      const int http = FailureHttpStatus(headers.status());
      if (before > 0 && (http == 412 || http == 404)) {
        return MakeError(absl::StatusCode::kAborted,
                         "object '{}' was replaced or removed while it was read", key);
      }
      // The client has tried again already what had not begun.
      if (download.offset == before && before == 0) return headers.status();
      if (!absl::IsUnavailable(headers.status())) return headers.status();
      if (download.offset > before) backoff.Reset();
      if (backoff.retries() + 1 >= attempts_) return headers.status();
      NANOGRID_RETURN_IF_ERROR(backoff.WaitNext(context));
    }
  }

  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(Check(context, key));
    const S3WriteOptions write{.if_absent = options.if_absent, .write_id = MakeRequestId()};
    NANOGRID_ASSIGN_OR_RETURN(std::string part, NextPart(context, source));
    const uint64_t size = part.size();
    if (size == part_bytes_) {
      NANOGRID_RETURN_IF_ERROR(WriteParts(context, key, source, std::move(part), write));
      return Stat(context, key);
    }
    NANOGRID_ASSIGN_OR_RETURN(std::string etag,
                              bucket_.Put(context, NameOf(key), std::move(part), write));
    NANOGRID_ASSIGN_OR_RETURN(ObjectInfo info, Stat(context, key));
    // Somebody else may have replaced it since.
    info.size = size;
    info.etag = std::move(etag);
    return info;
  }

  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(Check(context, key));
    NANOGRID_ASSIGN_OR_RETURN(const HttpHeaders headers, bucket_.Head(context, NameOf(key)));
    return ParseS3Head(key, headers);
  }

  Status Remove(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(Check(context, key));
    return bucket_.Delete(context, NameOf(key));
  }

  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    const std::string whole_prefix = NameOf(prefix);
    const std::string behind = after ? NameOf(*after) : "";
    ObjectPage page;
    S3Listing listing;
    do {
      NANOGRID_ASSIGN_OR_RETURN(listing, bucket_.List(context, {.prefix = whole_prefix,
                                                                .after = behind,
                                                                .token = listing.token,
                                                                .limit = limit}));
      for (ObjectInfo& object : listing.objects) {
        if (!object.key.starts_with(prefix_)) return Internal("s3 list: a foreign name");
        object.key.erase(0, prefix_.size());
        // What others have put there under names that no key can have is not ours.
        if (CheckObjectKey(object.key).ok()) page.objects.push_back(std::move(object));
      }
    } while (page.objects.empty() && !listing.token.empty());
    if (!listing.token.empty()) page.cursor = MakeCursor(page.objects.back().key);
    return page;
  }

 private:
  Status Check(const Context& context, std::string_view key) const {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    if (key.find_first_of("\r\n") != key.npos) {
      return InvalidArgument("object key: services like S3 lose line breaks");
    }
    if (prefix_.size() + key.size() > kLongestName) {
      return InvalidArgument("object key: {} bytes; with the store's prefix at most {}", key.size(),
                             kLongestName - prefix_.size());
    }
    return context.Check(std::chrono::steady_clock::now());
  }

  std::string NameOf(std::string_view key) const { return prefix_ + std::string(key); }

  static Status CheckHash(std::string_view key, Download& download) {
    if (download.expected.empty() || download.hash.Finish() == download.expected) {
      return absl::OkStatus();
    }
    return MakeError(absl::StatusCode::kDataLoss, "object '{}' did not arrive as it was written",
                     key);
  }

  // Shorter than part_bytes_: the source has ended.
  Result<std::string> NextPart(const Context& context, Source& source) const {
    constexpr size_t kStep = 256 << 10;
    std::string part;
    while (part.size() < part_bytes_) {
      NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
      const size_t filled = part.size();
      part.resize(std::min<uint64_t>(part_bytes_, filled + kStep));
      const Result<size_t> size = source.Read({part.data() + filled, part.size() - filled});
      NANOGRID_RETURN_IF_ERROR(size.status());
      part.resize(filled + *size);
      if (*size == 0) break;
    }
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    return part;
  }

  Status WriteParts(const Context& context, std::string_view key, Source& source, std::string part,
                    const S3WriteOptions& options) {
    const std::string name = NameOf(key);
    NANOGRID_ASSIGN_OR_RETURN(const std::string upload,
                              bucket_.BeginUpload(context, name, options));
    Status status = PutParts(context, name, upload, source, std::move(part), options);
    if (!status.ok()) {
      // The context may have ended; parts that are left cost money until somebody removes them.
      bucket_.AbortUpload(Context::WithTimeout(std::chrono::seconds(5)), name, upload)
          .IgnoreError();
    }
    return status;
  }

  Status PutParts(const Context& context, const std::string& name, const std::string& upload,
                  Source& source, std::string part, const S3WriteOptions& options) {
    std::vector<std::string> etags;
    for (bool last = false; !last;) {
      last = part.size() < part_bytes_;
      if (part.empty()) break;
      if (etags.size() == kMaxParts) {
        return MakeError(absl::StatusCode::kResourceExhausted,
                         "s3 write '{}': more than {} parts of {} bytes; use a larger part_bytes",
                         name, kMaxParts, part_bytes_);
      }
      NANOGRID_ASSIGN_OR_RETURN(
          std::string etag,
          bucket_.PutPart(context, name, upload, etags.size() + 1, std::move(part)));
      etags.push_back(std::move(etag));
      if (last) break;
      NANOGRID_ASSIGN_OR_RETURN(part, NextPart(context, source));
    }
    return bucket_.CompleteUpload(context, name, upload, etags, options);
  }

  const std::string prefix_;  // with its slash
  const uint64_t part_bytes_;
  const uint32_t attempts_;
  S3Bucket bucket_;
};

Status CheckOptions(const S3Options& options) {
  NANOGRID_RETURN_IF_ERROR(CheckBucketName(options.bucket));
  if (options.part_bytes < kLeastPart || options.part_bytes > 1ull << 30) {
    return InvalidArgument("s3 part_bytes {}: must be 5 MiB to 1 GiB", options.part_bytes);
  }
  if (options.prefix.empty()) return absl::OkStatus();
  Status valid = CheckObjectKey(options.prefix);
  if (valid.ok()) return valid;
  return InvalidArgument("s3 prefix '{}': must be a key without slashes at its ends",
                         options.prefix);
}

}  // namespace

Result<S3Options> ParseS3Uri(const Uri& uri, const AwsOptions& defaults) {
  NANOGRID_RETURN_IF_ERROR(
      uri.CheckQuery({"region", "endpoint", "profile", "ca", "path_style", "part_bytes"}));
  S3Options options{.aws = WithQuery(defaults, uri), .bucket = uri.host};
  if (!uri.has_authority || uri.host.empty() || uri.port != 0) {
    return InvalidArgument("'{}': must be s3://bucket[/prefix]", uri.ToString());
  }
  options.prefix = uri.path.starts_with('/') ? uri.path.substr(1) : uri.path;
  if (options.prefix.ends_with('/')) options.prefix.pop_back();
  if (const std::string* const style = QueryValue(uri, "path_style")) {
    if (*style != "true" && *style != "false") {
      return InvalidArgument("path_style '{}': must be true or false", *style);
    }
    options.path_style = *style == "true";
  }
  if (const std::string* const bytes = QueryValue(uri, "part_bytes")) {
    NANOGRID_ASSIGN_OR_RETURN(options.part_bytes, ParseSize("part_bytes", *bytes));
  }
  NANOGRID_RETURN_IF_ERROR(CheckOptions(options));
  return options;
}

Result<std::unique_ptr<ObjectStore>> OpenS3ObjectStore(Session& session, const S3Options& options) {
  NANOGRID_RETURN_IF_ERROR(CheckOptions(options));
  const bool given = !options.aws.endpoint.empty();
  std::string region = options.aws.region;
  if (region.empty()) {
    const bool elsewhere = given || session.HasOwnEndpoint(kS3);
    NANOGRID_ASSIGN_OR_RETURN(region, session.Region(Context{}, elsewhere));
  }
  NANOGRID_ASSIGN_OR_RETURN(const Endpoint endpoint, given ? ParseEndpoint(options.aws.endpoint)
                                                           : session.EndpointFor(kS3, region));
  // Names below a host that is not AWS's are seldom in its DNS.
  const bool amazon = endpoint.server.find(".amazonaws.com") != std::string::npos;
  const S3Place place = PlaceBucket(endpoint, options.bucket, options.path_style.value_or(!amazon));
  NANOGRID_ASSIGN_OR_RETURN(
      auto client,
      Client::Make(Context{}, session, kS3, {.region = region, .endpoint = place.endpoint}));
  return std::make_unique<S3ObjectStore>(std::move(client), place.path, options);
}

}  // namespace aws

Result<std::unique_ptr<ObjectStore>> MakeS3ObjectStore(const S3Options& options) {
  NANOGRID_ASSIGN_OR_RETURN(const auto session, aws::Session::Open(options.aws));
  return aws::OpenS3ObjectStore(*session, options);
}

Result<std::unique_ptr<ObjectStore>> MakeS3ObjectStore(const Uri& uri) {
  NANOGRID_ASSIGN_OR_RETURN(const S3Options options, aws::ParseS3Uri(uri, {}));
  return MakeS3ObjectStore(options);
}

}  // namespace nanogrid
