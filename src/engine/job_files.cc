#include "engine/job_files.h"

#include <cerrno>
#include <utility>

#include "core/errors.h"
#include "engine/job_pause.h"

namespace nanogrid {
namespace {

class FileSource final : public Source {
 public:
  explicit FileSource(std::FILE* file) : file_(file) { std::rewind(file_); }

  Result<size_t> Read(std::span<char> buffer) override {
    const size_t count = std::fread(buffer.data(), 1, buffer.size(), file_);
    if (count == 0 && std::ferror(file_) != 0) return ErrnoError(errno, "read result file");
    return count;
  }

 private:
  std::FILE* const file_;
};

}  // namespace

JobFiles::JobFiles(ObjectStore& objects, const JobLease& attempt, std::stop_token lost)
    : objects_(objects),
      prefix_(fmt::format("jobs/{}/files.{}/", attempt.id, attempt.attempt)),
      lost_(std::move(lost)) {}

Status JobFiles::Begin(std::string_view path, uint64_t) {
  path_ = path;
  spool_.reset(std::tmpfile());
  if (spool_ == nullptr) return ErrnoError(errno, "create a temporary file");
  return absl::OkStatus();
}

Status JobFiles::Write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), spool_.get()) == bytes.size()) {
    return absl::OkStatus();
  }
  return ErrnoError(errno, "write a temporary file");
}

Status JobFiles::End() {
  const Context context = Context::WithStop(lost_);
  GrowingPause pause;
  while (true) {
    FileSource source(spool_.get());
    Status status = objects_.Write(context, prefix_ + path_, source).status();
    if (status.ok() || !MayPass(status) || !pause.Wait(lost_)) {
      spool_.reset();
      if (status.ok()) ++count_;
      return status;
    }
  }
}

Status RemoveObjects(const Context& context, ObjectStore& objects, const std::string& prefix) {
  while (true) {
    // What was removed is not listed again: always the first page.
    NANOGRID_ASSIGN_OR_RETURN(const ObjectPage page, objects.List(context, prefix));
    for (const ObjectInfo& object : page.objects) {
      NANOGRID_RETURN_IF_ERROR(objects.Remove(context, object.key));
    }
    if (page.cursor.empty()) return absl::OkStatus();
  }
}

}  // namespace nanogrid
