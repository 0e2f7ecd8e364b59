// Where result files go on this machine.
#pragma once

#include <nanogrid/controller.h>

#include <cstdint>
#include <string>

// Writes each file below a directory, which is made. Names come from functions: none is followed
// out of the directory, whatever links lie in it. What is there already is replaced.
class OutputDirectory final : public nanogrid::FileSink {
 public:
  explicit OutputDirectory(std::string directory) : directory_(std::move(directory)) {}
  ~OutputDirectory() override;
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  nanogrid::Status Begin(std::string_view path, uint64_t size) override;
  nanogrid::Status Write(std::string_view bytes) override;
  nanogrid::Status End() override;

 private:
  nanogrid::Status Failed(const char* step) const;

  const std::string directory_;
  std::string path_;
  int fd_ = -1;
};

// All result files of a job that has ended.
nanogrid::Status SaveFiles(nanogrid::Controller& controller, const std::string& job_id,
                           const std::string& directory);
