// Keeps the result files it is given, and holds the sandbox to how they must come.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "nanogrid/job.h"

namespace nanogrid {

class KeepingSink final : public FileSink {
 public:
  Status Begin(std::string_view path, uint64_t size) override {
    path_ = path;
    size_ = size;
    EXPECT_TRUE(files.emplace(path_, "").second) << path_ << " came twice";
    return absl::OkStatus();
  }
  Status Write(std::string_view bytes) override {
    files[path_] += bytes;
    return absl::OkStatus();
  }
  Status End() override {
    EXPECT_EQ(files[path_].size(), size_) << path_;
    return absl::OkStatus();
  }
  std::map<std::string, std::string> files{};

 private:
  std::string path_{};
  uint64_t size_ = 0;
};

}  // namespace nanogrid
