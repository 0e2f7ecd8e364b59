// "gs://bucket[/prefix]": objects in Google Cloud Storage. docs/adapters.md says what is promised.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nanogrid/clock.h"
#include "nanogrid/registry.h"
#include "nanogrid/secret_source.h"
#include "nanogrid/storage.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct GcsOptions {
  std::string bucket{};
  std::string prefix{};  // of all keys, "env/prod"; no slash at its ends

  // "https://storage.googleapis.com"; "http://127.0.0.1:4443" for an emulator. Empty:
  // STORAGE_EMULATOR_HOST, or Google's own. Credentials go over https or to this machine only.
  std::string endpoint{};
  std::string ca_file{};  // PEM of whom alone to trust; empty: the system's store

  // Who calls: the service account whose key (JSON) is the secret of that name, if there are
  // `secrets` (which outlive the store); else the one whose key lies in a file; else, the file
  // that GOOGLE_APPLICATION_CREDENTIALS names; else, with an endpoint of https, the one that the
  // machine runs as (GCE_METADATA_HOST); else nobody.
  SecretSource* secrets = nullptr;
  std::string secret_name = "nanogrid/gcp-credentials";
  std::string credentials_file{};
  bool anonymous = false;  // nobody, whatever else is given

  // Larger objects are uploaded in pieces of so many bytes, each kept in memory until it is sure;
  // a multiple of 256 KiB.
  uint64_t chunk_bytes = 8 << 20;
  uint32_t max_attempts = 6;                            // of each request
  Duration silence_timeout = std::chrono::seconds(60);  // no byte for so long: again
  Duration longest_wait = std::chrono::seconds(16);     // between attempts
  const Clock* clock = &Clock::System();                // for tokens; outlives the store
};

// Connects with the first call. InvalidArgument and FailedPrecondition name the option.
Result<std::unique_ptr<ObjectStore>> MakeGcsObjectStore(const GcsOptions& options);

// "gs://bucket[/prefix][?endpoint=URL&ca=FILE&credentials=FILE]"; what it does not say is of
// `options`.
Result<GcsOptions> ParseGcsUri(const Uri& uri, const GcsOptions& options = {});
// Adds gs:. `options` for all that the URI does not say.
Status RegisterGcp(Registry& registry, const GcsOptions& options = {});

}  // namespace nanogrid
