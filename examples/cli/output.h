// What people and scripts see: results, logs, failures.
#pragma once

#include <nanogrid/job.h>
#include <nanogrid/status.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "escaping.h"
#include "exit_codes.h"

enum class Color { kRed, kGreen, kYellow, kDim };

// Standard output or standard error. Escapes and colours only if a terminal is at its other end.
class Output {
 public:
  explicit Output(std::FILE* file);

  // As it is; on a terminal with control characters escaped.
  void Write(std::string_view untrusted);
  // The text in colour, if colours are welcome (terminal, no NO_COLOR, TERM not "dumb").
  std::string Paint(Color color, std::string_view text) const;
  // Our own words, as they are.
  void Print(std::string_view trusted);
  // OK, or why not everything could be written.
  nanogrid::Status Flush();

 private:
  std::FILE* file_;
  bool terminal_;
  bool colors_;
};

// Passes a function's log on to standard error while it runs.
class LiveLog : public nanogrid::LogSink {
 public:
  explicit LiveLog(std::FILE* file);
  void Write(std::string_view bytes) override;
  // Ends a line that the function left open.
  void Finish();

 private:
  std::FILE* file_;
  bool terminal_;
  bool line_open_ = false;
  TerminalEscaper escaper_{};
};

// Keeps a log for the JSON object.
class KeptLog : public nanogrid::LogSink {
 public:
  void Write(std::string_view bytes) override { text_ += bytes; }
  const std::string& text() const { return text_; }

 private:
  std::string text_{};
};

// The object of --json for an invocation, one line. `job_id`: empty if it was none.
std::string OutcomeJson(const nanogrid::Outcome& outcome, std::string_view log,
                        std::string_view job_id = {});

// Why a function failed, for people.
void ShowError(Output& err, const nanogrid::FunctionError& error);

// What was left in $NANOGRID_OUTPUT and is no result file.
void ShowRefusedFiles(Output& err, const nanogrid::Outcome& outcome);

// Says why a command cannot do what it should, for scripts as an object too; the exit status.
ExitCode ReportFailure(const nanogrid::Status& error, bool json);

// "cold start · wall 12.3 ms · cpu 8.1 ms · memory 9.4 MiB"
std::string UsageLine(const nanogrid::Outcome& outcome);
