// Bytes on their way to a client that may be slow: a few in memory, many in a file without a name.
#pragma once

#include <memory>
#include <string>

#include "core/unique_fd.h"
#include "http/budget.h"
#include "http/message.h"
#include "nanogrid/storage.h"

namespace nanogrid {

// Immutable once it is made.
class SpoolFile {
 public:
  SpoolFile(UniqueFd fd, uint64_t size, BudgetClaim claim)
      : fd_(std::move(fd)), size_(size), claim_(std::move(claim)) {}
  int fd() const { return fd_.get(); }
  uint64_t size() const { return size_; }

 private:
  UniqueFd fd_;
  uint64_t size_;
  BudgetClaim claim_;
};

// Errors name the directory; ResourceExhausted beyond the budget.
class Spool final : public Sink {
 public:
  static constexpr size_t kInMemory = 64 << 10;

  Spool(std::string directory, Budget& budget) : directory_(std::move(directory)), claim_(budget) {}

  Status Write(std::string_view bytes) override;
  // Everything that was written becomes the response's body or file. Once.
  Status MoveTo(HttpResponse& response);

 private:
  Status Flush();

  const std::string directory_;
  BudgetClaim claim_;
  std::string bytes_{};  // not in the file yet
  UniqueFd fd_{};
  uint64_t in_file_ = 0;
};

}  // namespace nanogrid
