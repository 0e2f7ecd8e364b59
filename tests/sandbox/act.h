// A hostile program of tests/testcases and what must become of it, read from the comment at its
// top (tests/testcases/README.md).
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/function_spec.h"
#include "nanogrid/job.h"
#include "nanogrid/sandbox.h"

namespace nanogrid {

// How an act went. "Held" is refused by the sandbox, "contained" ended by it.
enum class Verdict { kHeld, kContained, kSkipped, kWrong };
std::string_view ToString(Verdict verdict);
void PrintTo(Verdict verdict, std::ostream* out);

struct Act {
  std::string area{};  // its directory
  std::string name{};  // without directory and suffix
  std::string file{};  // below the directory of the acts: "files/write_code.c"
  std::string title{};
  std::map<std::string, std::string> expected{};  // by mode; "" is for all others
  std::map<std::string, std::string> skipped{};   // by mode: the reason
  bool frames = false;
  std::string event{};  // of an act that speaks frames
  Limits limits{};      // with a timeout always
  std::vector<std::string> errors{};

  // What is stated for the first of these modes that has a statement, or for all.
  std::string ExpectedIn(const std::vector<std::string>& modes) const;
  std::string SkippedIn(const std::vector<std::string>& modes) const;
};

// All acts of a directory, sorted by file. Programs made of C sources are beside them.
std::vector<Act> ReadActs(const std::string& directory);
Act ParseAct(const std::string& file, const std::string& text);

// Whether an outcome is one of the expected ones; why not, otherwise, in `explanation`.
Verdict Judge(const std::string& expected, const Outcome& outcome, const std::string& log,
              std::string& explanation);

}  // namespace nanogrid
