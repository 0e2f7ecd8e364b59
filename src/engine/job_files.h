// The result files of a job: objects below a key of their attempt.
#pragma once

#include <cstdio>
#include <memory>
#include <stop_token>
#include <string>

#include "nanogrid/job_store.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// Stores what an attempt leaves behind, for as long as it takes, or until the attempt is lost.
class JobFiles final : public FileSink {
 public:
  JobFiles(ObjectStore& objects, const JobLease& attempt, std::stop_token lost);

  Status Begin(std::string_view path, uint64_t size) override;
  Status Write(std::string_view bytes) override;
  Status End() override;

  uint32_t count() const { return count_; }
  // "jobs/ID/files.ATTEMPT/"; empty if there are no files.
  std::string key() const { return count_ > 0 ? prefix_ : std::string(); }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  ObjectStore& objects_;
  const std::string prefix_;
  const std::stop_token lost_;
  uint32_t count_ = 0;
  std::string path_;
  // On disk: files may be larger than what a worker should hold in memory for each of its slots.
  std::unique_ptr<std::FILE, CloseFile> spool_;
};

// Every object below `prefix`.
Status RemoveObjects(const Context& context, ObjectStore& objects, const std::string& prefix);

}  // namespace nanogrid
