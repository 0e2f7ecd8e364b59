#include "sandbox/act.h"

#include <signal.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

namespace fs = std::filesystem;

constexpr Duration kLongest = std::chrono::seconds(100);  // also in an emulated machine

std::string Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \n\t");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \n\t") - begin + 1));
}

std::vector<std::string> Split(const std::string& text, const std::string& by) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(by, begin)) != std::string::npos; begin = end + by.size()) {
    parts.push_back(Trimmed(text.substr(begin, end - begin)));
  }
  parts.push_back(Trimmed(text.substr(begin)));
  return parts;
}

uint64_t Bytes(const std::string& text) {
  const uint64_t number = std::stoull(text);
  switch (text.back()) {
    case 'K':
      return number << 10;
    case 'M':
      return number << 20;
    case 'G':
      return number << 30;
    default:
      return number;
  }
}

// "memory=32M, processes=16"
bool ReadLimits(const std::string& text, Limits& limits) {
  for (const std::string& setting : Split(text, ",")) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) return false;
    const std::string key = setting.substr(0, equals), value = setting.substr(equals + 1);
    if (key == "memory") {
      limits.memory = Bytes(value);
    } else if (key == "tmp") {
      limits.tmp_size = Bytes(value);
    } else if (key == "processes") {
      limits.max_processes = static_cast<uint32_t>(Bytes(value));
    } else if (key == "files") {
      limits.max_open_files = static_cast<uint32_t>(Bytes(value));
    } else if (key == "output") {
      limits.max_output = Bytes(value);
    } else if (key == "timeout_ms") {
      limits.timeout = std::chrono::milliseconds(Bytes(value));
    } else {
      return false;
    }
  }
  return true;
}

bool ReadStatement(const std::string& key, const std::string& value, Act& act) {
  const auto mode_of = [&](std::string_view word) { return Trimmed(key.substr(word.size())); };
  if (key == "act") {
    act.title = value;
  } else if (key == "protocol") {
    act.frames = value == "frames";
    return act.frames;
  } else if (key == "event") {
    act.event = value;
  } else if (key == "limits") {
    return ReadLimits(value, act.limits);
  } else if (key == "expect" || key.starts_with("expect ")) {
    act.expected[mode_of("expect")] = value;
  } else if (key.starts_with("skip ")) {
    act.skipped[mode_of("skip")] = value;
  } else {
    return false;
  }
  return true;
}

std::string Find(const std::map<std::string, std::string>& statements,
                 const std::vector<std::string>& modes) {
  for (const std::string& mode : modes) {
    if (const auto found = statements.find(mode); found != statements.end()) return found->second;
  }
  const auto all = statements.find("");
  return all == statements.end() ? "" : all->second;
}

// Every line is "refused ERRNO what" with one of these, and there is one.
bool AllRefused(const std::string& result, const std::string& errors) {
  const std::vector<std::string> allowed = Split(errors, "|");
  std::istringstream lines(result);
  bool any = false;
  for (std::string line; std::getline(lines, line); any = true) {
    std::istringstream words(line);
    std::string refused, error;
    words >> refused >> error;
    if (refused != "refused" || std::find(allowed.begin(), allowed.end(), error) == allowed.end()) {
      return false;
    }
  }
  return any;
}

int SignalNumber(const std::string& name) {
  for (int signal = 1; signal < 32; ++signal) {
    const char* const abbreviation = sigabbrev_np(signal);
    if (abbreviation != nullptr && name == std::string("SIG") + abbreviation) return signal;
  }
  return 0;
}

// One of the alternatives that "or" separates.
bool Matches(const std::string& expected, const Outcome& outcome, Verdict& verdict) {
  const size_t space = expected.find(' ');
  const std::string word = expected.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : Trimmed(expected.substr(space));
  verdict = Verdict::kContained;
  if (word == "killed") {
    return rest == "SIGSYS"
               ? outcome.ending == Ending::kViolation && outcome.error &&
                     outcome.error->message == "killed for a forbidden system call"
               : outcome.ending == Ending::kSignaled && outcome.signal == SignalNumber(rest);
  }
  if (word == "ends") {
    const std::vector<std::string> endings = Split(rest, "|");
    return std::find(endings.begin(), endings.end(), ToString(outcome.ending)) != endings.end();
  }
  verdict = Verdict::kHeld;
  if (outcome.ending != Ending::kReturned) return false;
  if (word == "refused") return AllRefused(outcome.result, rest);
  return word == "returns" && Trimmed(outcome.result) == rest;
}

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHeld:
      return "held";
    case Verdict::kContained:
      return "contained";
    case Verdict::kSkipped:
      return "skipped";
    case Verdict::kWrong:
      break;
  }
  return "WRONG";
}

void PrintTo(Verdict verdict, std::ostream* out) { *out << ToString(verdict); }

std::string Act::ExpectedIn(const std::vector<std::string>& modes) const {
  return Find(expected, modes);
}
std::string Act::SkippedIn(const std::vector<std::string>& modes) const {
  return Find(skipped, modes);
}

Act ParseAct(const std::string& file, const std::string& text) {
  Act act;
  const fs::path path(file);
  act.file = file;
  act.area = path.parent_path();
  act.name = path.stem();
  act.limits.timeout = kLongest;
  const std::string comment = path.extension() == ".c" ? "//" : "#";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.starts_with(comment);) {
    if (line.starts_with("#!")) continue;
    const std::string statement = Trimmed(line.substr(comment.size()));
    const size_t colon = statement.find(": ");
    if (colon == std::string::npos) continue;  // prose
    if (!ReadStatement(statement.substr(0, colon), Trimmed(statement.substr(colon + 1)), act)) {
      act.errors.push_back("not understood: " + line);
    }
  }
  if (act.title.empty()) act.errors.emplace_back("does not say what it attempts");
  if (act.expected.empty()) act.errors.emplace_back("expects nothing");
  return act;
}

std::vector<Act> ReadActs(const std::string& directory) {
  std::vector<Act> acts;
  std::error_code error;
  for (const fs::directory_entry& area : fs::directory_iterator(directory, error)) {
    if (!area.is_directory()) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(area.path(), error)) {
      const fs::path suffix = entry.path().extension();
      if (suffix != ".c" && suffix != ".py" && suffix != ".sh") continue;
      std::ifstream in(entry.path());
      std::ostringstream text;
      text << in.rdbuf();
      acts.push_back(ParseAct(fs::relative(entry.path(), directory), text.str()));
    }
  }
  std::sort(acts.begin(), acts.end(), [](const Act& a, const Act& b) { return a.file < b.file; });
  return acts;
}

Verdict Judge(const std::string& expected, const Outcome& outcome, const std::string& log,
              std::string& explanation) {
  explanation.clear();
  if (outcome.result.find("ESCAPED") != std::string::npos ||
      log.find("ESCAPED") != std::string::npos) {
    explanation = "it escaped";
    return Verdict::kWrong;
  }
  for (const std::string& alternative : Split(expected, " or ")) {
    Verdict verdict = Verdict::kWrong;
    if (Matches(alternative, outcome, verdict)) return verdict;
  }
  explanation = "expected '" + expected + "'";
  return Verdict::kWrong;
}

}  // namespace nanogrid
