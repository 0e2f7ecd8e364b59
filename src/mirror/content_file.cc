#include "mirror/content_file.h"

#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/errors.h"

namespace nanogrid::mirror {

Result<std::unique_ptr<ContentFile>> ContentFile::Create(int directory) {
  std::unique_ptr<ContentFile> file(new ContentFile(directory));
  NANOGRID_RETURN_IF_ERROR(file->file_.Create());
  return file;
}

Status ContentFile::Write(std::string_view bytes) {
  hash_.Update(bytes);
  size_ += bytes.size();
  return WriteAll(file_.fd(), bytes);
}

Status ContentFile::Publish(int directory, const std::string& name) {
  if (::fsync(file_.fd()) != 0) return ErrnoError(errno, "outbox: fsync");
  const int error = file_.Publish(directory, name, false);
  if (error != 0) return ErrnoError(error, "outbox: publish '" + name + "'");
  return absl::OkStatus();
}

Result<size_t> FileSource::Read(std::span<char> buffer) {
  while (true) {
    const ssize_t size = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(offset_));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoError(errno, "outbox: read");
    offset_ += static_cast<uint64_t>(size);
    return static_cast<size_t>(size);
  }
}

Result<size_t> TeeSource::Read(std::span<char> buffer) {
  Result<size_t> size = source_.Read(buffer);
  if (size.ok()) {
    ended_ = *size == 0;
    outcome_ = file_.Write({buffer.data(), *size});
    if (!outcome_.ok()) return outcome_;
  } else {
    outcome_ = size.status();
  }
  return size;
}

Status TeeSource::Drain(const Context& context) {
  std::vector<char> buffer(256 << 10);
  while (!ended_) {
    NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
    NANOGRID_RETURN_IF_ERROR(Read(buffer).status());
  }
  return context.Check(std::chrono::steady_clock::now());
}

}  // namespace nanogrid::mirror
