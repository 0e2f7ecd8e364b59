// Takes what a function left in $NANOGRID_OUTPUT out of its sandbox.
//
// Everything below the directory is hostile: names, kinds, sizes, depths. Nothing is reached but
// through descriptors, beneath the directory, and no link is followed. That nothing moves meanwhile
// (the instance is dead or frozen) is what the caller provides; if something does, the worst is an
// entry that is refused or an error.
#pragma once

#include <time.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/unique_fd.h"
#include "nanogrid/job.h"

namespace nanogrid {

inline constexpr char kOutputVariable[] = "NANOGRID_OUTPUT";
inline constexpr char kOutputPath[] = "/tmp/output";  // inside
inline constexpr size_t kMaxOutputDepth = 16;         // segments of a path

struct OutputLimits {
  uint64_t max_entries = 0;  // files and directories, whether they are taken or refused
  uint64_t max_bytes = 0;    // of all files together, by their sizes
};

struct CollectedOutput {
  std::vector<OutputFile> files{};
  std::vector<OutputFile> refused{};  // at most kMaxRefusedFiles
};

// Opens the directory `name` in `parent`, itself no link. Invalid with errno set. The descriptor is
// for the calls below; the directory may be one that cannot be read.
UniqueFd OpenOutputDirectory(int parent, const char* name);

// Whether anything is in it, or it cannot be told.
bool HasOutput(int directory);

// Remembers that a directory was empty, so that a single system call tells whether it still is.
class EmptyMark {
 public:
  // Takes a look at `directory`, and keeps the descriptor if it is empty.
  void Look(UniqueFd directory);
  // False if it may not be, or may be another one by now. Only a tmpfs is ever sure.
  bool Holds() const;

 private:
  UniqueFd directory_{};
  timespec changed_{};
  int64_t size_ = 0;
};

// Gives all regular files with one name below `directory` to the sink, directory by
// directory, names sorted, and lists the others as refused. An error is the sink's, or Internal.
Status CollectOutput(int directory, const OutputLimits& limits, FileSink& sink,
                     CollectedOutput& collected);

// Removes everything below `directory`; an error if it cannot, or if there are more than
// `max_entries`: somebody makes new ones all the time.
Status EmptyOutput(int directory, uint64_t max_entries);

}  // namespace nanogrid
