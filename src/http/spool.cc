#include "http/spool.h"

#include <fcntl.h>

#include <cerrno>

#include "core/errors.h"

namespace nanogrid {

Status Spool::Write(std::string_view bytes) {
  bytes_ += bytes;
  return bytes_.size() > kInMemory ? Flush() : absl::OkStatus();
}

Status Spool::Flush() {
  if (!claim_.Resize(in_file_ + bytes_.size())) {
    return MakeError(absl::StatusCode::kUnavailable,
                     "too many large results are on their way to clients; try again later");
  }
  if (!fd_) {
    fd_ = UniqueFd(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!fd_) return ErrnoError(errno, "spool directory " + directory_);
  }
  for (std::string_view rest = bytes_; !rest.empty();) {
    const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoError(errno, "spool directory " + directory_);
    rest.remove_prefix(static_cast<size_t>(written));
  }
  in_file_ += bytes_.size();
  bytes_.clear();
  return absl::OkStatus();
}

Status Spool::MoveTo(HttpResponse& response) {
  if (!fd_) {
    response.body = std::move(bytes_);
    return absl::OkStatus();
  }
  NANOGRID_RETURN_IF_ERROR(Flush());
  response.file = std::make_shared<SpoolFile>(std::move(fd_), in_file_, std::move(claim_));
  return absl::OkStatus();
}

}  // namespace nanogrid
