#include "engine/code_store.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "core/errors.h"
#include "core/scratch_directory.h"
#include "core/sha256.h"
#include "engine/code_tree.h"

namespace nanogrid {
namespace {

constexpr char kScratchPrefix[] = ".unpacking-";
constexpr mode_t kDirectoryMode = 0755;  // the sandboxed user is another one

std::string KeyOf(std::string_view digest) { return fmt::format("code/{}", digest); }

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Half-written code is never seen under `path`: it is written aside and renamed.
Status WriteTree(const std::string& directory, const std::string& path,
                 const CodeListing& listing) {
  NANOGRID_ASSIGN_OR_RETURN(ScratchDirectory scratch,
                            ScratchDirectory::Make(directory, kScratchPrefix, 0700));
  NANOGRID_RETURN_IF_ERROR(WriteCodeTree(scratch.fd(), listing));
  if (::fchmod(scratch.fd(), kDirectoryMode) != 0) {
    return ErrnoError(errno, "chmod " + scratch.path());
  }
  Status published = scratch.Publish(path);
  return absl::IsAlreadyExists(published) ? absl::OkStatus() : published;  // another process did it
}

}  // namespace

Status CodeStore::PrepareDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoError(error.value(), "package_dir: create " + directory);
  if (!IsDirectory(directory) && !std::filesystem::is_directory(directory, error)) {
    return InvalidArgument("package_dir: {} is not a directory", directory);
  }
  ScratchDirectory::RemoveAbandoned(directory, kScratchPrefix);
  return absl::OkStatus();
}

CodeStore::CodeStore(ObjectStore& objects, std::string directory)
    : objects_(objects), directory_(std::move(directory)) {}

Result<std::string> CodeStore::Put(const Context& context, const CodeListing& listing) {
  const std::string bytes = EncodeCode(listing);
  std::string digest = Sha256Hex(bytes);
  const Result<ObjectInfo> written =
      WriteObject(context, objects_, KeyOf(digest), bytes, {.if_absent = true});
  if (!written.ok() && !absl::IsAlreadyExists(written.status())) return written.status();
  return digest;
}

Result<CodeListing> CodeStore::Get(const Context& context, std::string_view digest) {
  NANOGRID_ASSIGN_OR_RETURN(const std::string bytes, ReadObject(context, objects_, KeyOf(digest)));
  if (Sha256Hex(bytes) != digest) {
    return MakeError(absl::StatusCode::kDataLoss, "object {} is damaged: its SHA-256 is another",
                     KeyOf(digest));
  }
  return DecodeCode(bytes);
}

Result<std::string> CodeStore::Unpack(const Context& context, const std::string& digest) {
  const std::string path = directory_ + "/" + digest;
  {
    std::unique_lock lock(mutex_);
    const auto free = [&] { return !unpacking_.contains(digest); };
    if (context.deadline == TimePoint::max()) {
      unpacked_.wait(lock, context.stop, free);
    } else {
      unpacked_.wait_until(lock, context.stop, context.deadline, free);
    }
    if (!free()) {
      if (context.stop.stop_requested()) return absl::CancelledError("while code was unpacked");
      return absl::DeadlineExceededError("while code was unpacked");
    }
    if (IsDirectory(path)) return path;
    unpacking_.insert(digest);
  }
  const auto unpack = [&]() -> Status {
    NANOGRID_ASSIGN_OR_RETURN(const CodeListing listing, Get(context, digest));
    return WriteTree(directory_, path, listing);
  };
  const Status status = unpack();
  {
    const std::lock_guard lock(mutex_);
    unpacking_.erase(digest);
  }
  unpacked_.notify_all();
  if (!status.ok()) return status;
  return path;
}

}  // namespace nanogrid
