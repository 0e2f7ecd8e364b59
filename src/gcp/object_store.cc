// ObjectStore on Google Cloud Storage's JSON API.
#include <cstdlib>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/names.h"
#include "gcp/calls.h"
#include "gcp/crc32c.h"
#include "gcp/storage_api.h"
#include "gcp/tokens.h"
#include "gcp/upload.h"
#include "nanogrid/adapters/gcp.h"

namespace nanogrid {
namespace gcp {
namespace {

constexpr char kFields[] = "fields=name,size,generation,crc32c,updated,metadata";
constexpr char kListFields[] =
    "fields=nextPageToken,items(name,size,generation,crc32c,updated,metadata)";
constexpr size_t kLongestName = 1024;  // in bytes, the prefix included

// One object that is being read, over as many connections as it takes.
struct Download {
  Sink& sink;
  uint64_t offset = 0;  // so much was passed on
  uint64_t skip = 0;    // of this answer, passed on before
  std::string generation{};
  std::string hash{};
  Crc32c crc{};
  Status sink_error{};

  void Begin(const HttpResponse& head) {
    if (!generation.empty()) return;
    generation = head.headers.Get("x-goog-generation");
    hash = ParseHash(head.headers);
  }
  Status Take(const HttpResponse& head, std::string_view piece) {
    Begin(head);
    const uint64_t known = std::min<uint64_t>(skip, piece.size());
    skip -= known;
    piece.remove_prefix(known);
    if (piece.empty()) return absl::OkStatus();
    crc.Update(piece);
    offset += piece.size();
    sink_error = sink.Write(piece);
    return sink_error;
  }
};

class GcsObjectStore final : public ObjectStore {
 public:
  GcsObjectStore(std::unique_ptr<HttpPool> pool, std::unique_ptr<TokenCache> tokens,
                 const GcsOptions& options)
      : bucket_(options.bucket),
        prefix_(options.prefix.empty() ? "" : options.prefix + "/"),
        chunk_bytes_(options.chunk_bytes),
        calls_(std::move(pool), std::move(tokens),
               {.max_attempts = options.max_attempts,
                .backoff = {.base = std::min<Duration>(options.longest_wait,
                                                       std::chrono::milliseconds(250)),
                            .cap = options.longest_wait}}) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    NANOGRID_RETURN_IF_ERROR(CheckKey(key));
    Download download{.sink = sink};
    Attempts attempts(calls_.options());
    while (true) {
      const uint64_t before = download.offset;
      Result<HttpResponse> response = ReadOn(context, key, download);
      NANOGRID_RETURN_IF_ERROR(download.sink_error);
      if (response.ok() && response->status / 100 == 2) {
        download.Begin(*response);
        if (download.hash.empty() || download.hash == download.crc.Text()) return absl::OkStatus();
        return MakeError(absl::StatusCode::kDataLoss, "object '{}' did not arrive as it is kept",
                         key);
      }
      if (response.ok() && !IsTransient(response->status)) {
        if (response->status == 404 && download.offset > 0) {
          return MakeError(absl::StatusCode::kAborted,
                           "object '{}' was replaced or removed while it was read", key);
        }
        return ErrorOf("read", key, *response);
      }
      if (!response.ok() && !absl::IsUnavailable(response.status())) return response.status();
      if (download.offset > before) attempts.Reset();
      Status failed = response.ok() ? ErrorOf("read", key, *response) : response.status();
      NANOGRID_RETURN_IF_ERROR(
          attempts.Next(context, std::move(failed), response.ok() ? &*response : nullptr));
    }
  }

  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    NANOGRID_RETURN_IF_ERROR(CheckKey(key));
    const UploadTo to{.bucket = bucket_, .object = NameOf(key), .if_absent = options.if_absent};
    std::string piece;
    NANOGRID_RETURN_IF_ERROR(Fill(context, source, piece));
    if (piece.size() < chunk_bytes_) {
      NANOGRID_ASSIGN_OR_RETURN(const RemoteObject object, UploadWhole(context, calls_, to, piece));
      return InfoOf(object);
    }
    NANOGRID_ASSIGN_OR_RETURN(ResumableUpload upload, ResumableUpload::Begin(context, calls_, to));
    Result<RemoteObject> object = UploadPieces(context, upload, source, piece);
    if (object.ok()) return InfoOf(*object);
    if (absl::IsAborted(object.status()) && options.if_absent) {
      return MakeError(absl::StatusCode::kAlreadyExists, "object '{}' exists already", key);
    }
    upload.Cancel();
    if (!absl::IsNotFound(object.status())) return object.status();
    return Unavailable("gs write '{}': the server has forgotten the upload", key);
  }

  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckKey(key));
    NANOGRID_ASSIGN_OR_RETURN(
        const Answer answer,
        calls_.Send(context, {.target = ObjectTarget(bucket_, NameOf(key)) + "?" + kFields}));
    if (answer.response.status != 200) return ErrorOf("stat", key, answer.response);
    NANOGRID_ASSIGN_OR_RETURN(const RemoteObject object, ParseRemoteObject(answer.response.body));
    return InfoOf(object);
  }

  Status Remove(const Context& context, std::string_view key) override {
    NANOGRID_RETURN_IF_ERROR(CheckKey(key));
    NANOGRID_ASSIGN_OR_RETURN(
        const Answer answer,
        calls_.Send(context, {.method = "DELETE", .target = ObjectTarget(bucket_, NameOf(key))}));
    const int status = answer.response.status;
    if (status / 100 == 2 || status == 404) return absl::OkStatus();
    return ErrorOf("remove", key, answer.response);
  }

  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    NANOGRID_RETURN_IF_ERROR(CheckListLimit(limit));
    NANOGRID_ASSIGN_OR_RETURN(const auto after, ReadCursor(cursor, prefix));
    // The offset is inclusive: what the last page ended with is asked for, and left out.
    const size_t asked = std::min<size_t>(limit + (after ? 1 : 0), 1000);
    std::string target = fmt::format("{}?{}&maxResults={}&prefix={}", ObjectTarget(bucket_),
                                     kListFields, asked, PercentEncode(NameOf(prefix)));
    if (after) target += "&startOffset=" + PercentEncode(NameOf(*after));
    ObjectPage page;
    std::string page_token;
    do {
      const std::string next = page_token.empty() ? "" : "&pageToken=" + PercentEncode(page_token);
      NANOGRID_ASSIGN_OR_RETURN(const Answer answer,
                                calls_.Send(context, {.target = target + next}));
      if (answer.response.status != 200) return RefusalStatus("list", answer.response);
      NANOGRID_ASSIGN_OR_RETURN(const ObjectListing listing, ParseListing(answer.response.body));
      for (const RemoteObject& object : listing.objects) {
        if (!object.name.starts_with(prefix_)) return Internal("gs list: a foreign name");
        ObjectInfo info = InfoOf(object);
        // What others have put there under names that no key can have is not ours.
        if (CheckObjectKey(info.key).ok() && info.key != after) page.objects.push_back(info);
      }
      page_token = listing.page_token;
    } while (page.objects.empty() && !page_token.empty());
    const bool more = page.objects.size() > limit || !page_token.empty();
    page.objects.resize(std::min(page.objects.size(), limit));
    if (more) page.cursor = MakeCursor(page.objects.back().key);
    return page;
  }

 private:
  Status CheckKey(std::string_view key) const {
    NANOGRID_RETURN_IF_ERROR(CheckObjectKey(key));
    if (key.find_first_of("\r\n") != key.npos) {
      return InvalidArgument("object key: line breaks cannot be kept in Google Cloud Storage");
    }
    if (prefix_.size() + key.size() > kLongestName) {
      return InvalidArgument("object key: {} bytes; with the store's prefix at most {}", key.size(),
                             kLongestName - prefix_.size());
    }
    return absl::OkStatus();
  }

  std::string NameOf(std::string_view key) const { return prefix_ + std::string(key); }

  ObjectInfo InfoOf(const RemoteObject& object) const {
    return {.key = object.name.substr(prefix_.size()),
            .size = object.size,
            .etag = object.generation,
            .modified = object.updated};
  }

  static Status ErrorOf(std::string_view action, std::string_view key,
                        const HttpResponse& response) {
    return RefusalStatus(fmt::format("{} '{}'", action, key), response);
  }

  Result<HttpResponse> ReadOn(const Context& context, std::string_view key, Download& download) {
    std::string target = ObjectTarget(bucket_, NameOf(key)) + "?alt=media";
    if (!download.generation.empty()) target += "&generation=" + download.generation;
    // Whoever says that gzip is fine gets the bytes as they are kept.
    HttpRequest request{.target = target, .headers = {{"Accept-Encoding", "gzip"}}};
    const bool range = download.offset > 0;
    if (range) request.headers.Add("Range", fmt::format("bytes={}-", download.offset));
    bool begun = false;
    return calls_.StreamOnce(context, request,
                             [&](const HttpResponse& head, std::string_view piece) {
                               if (!begun)
                                 download.skip = range && head.status != 206 ? download.offset : 0;
                               begun = true;
                               return download.Take(head, piece);
                             });
  }

  // Reads until the piece is full or the source has ended.
  Status Fill(const Context& context, Source& source, std::string& piece) const {
    constexpr size_t kStep = 256 << 10;
    piece.clear();
    while (piece.size() < chunk_bytes_) {
      NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
      const size_t filled = piece.size();
      piece.resize(std::min<uint64_t>(chunk_bytes_, filled + kStep));
      Result<size_t> size = source.Read({piece.data() + filled, piece.size() - filled});
      piece.resize(filled + size.value_or(0));
      if (!size.ok()) return size.status();
      if (*size == 0) return context.Check(std::chrono::steady_clock::now());
    }
    return absl::OkStatus();
  }

  Result<RemoteObject> UploadPieces(const Context& context, ResumableUpload& upload, Source& source,
                                    std::string& piece) const {
    while (piece.size() == chunk_bytes_) {
      NANOGRID_RETURN_IF_ERROR(upload.Add(context, piece));
      NANOGRID_RETURN_IF_ERROR(Fill(context, source, piece));
    }
    return upload.Finish(context, piece);
  }

  const std::string bucket_;
  const std::string prefix_;  // with its slash
  const uint64_t chunk_bytes_;
  Calls calls_;
};

}  // namespace
}  // namespace gcp

Result<std::unique_ptr<ObjectStore>> MakeGcsObjectStore(const GcsOptions& options) {
  constexpr uint64_t kChunkUnit = 256 << 10;
  if (options.bucket.empty()) return InvalidArgument("gs: a bucket is missing: gs://bucket");
  if (!options.prefix.empty()) {
    Status valid = CheckObjectKey(options.prefix);
    if (!valid.ok()) return InvalidArgument("gs prefix '{}': {}", options.prefix, valid.ToString());
  }
  if (options.chunk_bytes == 0 || options.chunk_bytes % kChunkUnit != 0 ||
      options.chunk_bytes > 1ull << 30) {
    return InvalidArgument("gs chunk_bytes {}: must be a multiple of 256 KiB, at most 1 GiB",
                           options.chunk_bytes);
  }
  if (options.max_attempts == 0) return InvalidArgument("gs max_attempts: must be at least 1");
  std::string endpoint = options.endpoint;
  if (endpoint.empty()) {
    const char* const emulator = std::getenv("STORAGE_EMULATOR_HOST");
    endpoint = emulator == nullptr ? "" : emulator;
    if (!endpoint.empty() && endpoint.find("://") == endpoint.npos) endpoint = "http://" + endpoint;
  }
  if (endpoint.empty()) endpoint = "https://storage.googleapis.com";
  NANOGRID_ASSIGN_OR_RETURN(auto tokens, gcp::MakeTokens(options, endpoint));
  NANOGRID_ASSIGN_OR_RETURN(
      auto pool, HttpPool::Make({.client = {.server = endpoint,
                                            .ca_file = options.ca_file,
                                            .silence_timeout = options.silence_timeout}}));
  return std::make_unique<gcp::GcsObjectStore>(std::move(pool), std::move(tokens), options);
}

Result<GcsOptions> ParseGcsUri(const Uri& uri, const GcsOptions& options) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({"endpoint", "ca", "credentials"}));
  if (!uri.has_authority || uri.host.empty() || uri.port != 0) {
    return InvalidArgument("'{}': must be gs://bucket[/prefix]", uri.ToString());
  }
  GcsOptions parsed = options;
  parsed.bucket = uri.host;
  parsed.prefix = uri.path.starts_with('/') ? uri.path.substr(1) : uri.path;
  if (parsed.prefix.ends_with('/')) parsed.prefix.pop_back();
  const auto take = [&](const char* key, std::string& to) {
    if (const auto found = uri.query.find(key); found != uri.query.end()) to = found->second;
  };
  take("endpoint", parsed.endpoint);
  take("ca", parsed.ca_file);
  take("credentials", parsed.credentials_file);
  return parsed;
}

Status RegisterGcp(Registry& registry, const GcsOptions& options) {
  return registry.object_stores.Add(
      "gs", [options](const Uri& uri) -> Result<std::unique_ptr<ObjectStore>> {
        NANOGRID_ASSIGN_OR_RETURN(const GcsOptions parsed, ParseGcsUri(uri, options));
        return MakeGcsObjectStore(parsed);
      });
}

}  // namespace nanogrid
