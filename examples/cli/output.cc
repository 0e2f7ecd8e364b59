#include "output.h"

#include <fmt/format.h>
#include <nanogrid/records_json.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace {

double Milliseconds(nanogrid::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

bool ColorsWelcome() {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

void WriteAll(std::FILE* file, std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), file);
}

std::string ErrorMember(const nanogrid::Outcome& outcome) {
  if (!outcome.error) return "null";
  return fmt::format(R"({{"type":{},"message":{},"stack":{}}})", JsonString(outcome.error->type),
                     JsonString(outcome.error->message), JsonString(outcome.error->stack));
}

std::string ResultMember(const nanogrid::Outcome& outcome) {
  if (outcome.ending != nanogrid::Ending::kReturned && outcome.result.empty()) return "null";
  if (!outcome.result_is_json) return JsonString(outcome.result);
  // Between the values of a JSON text a line break is as good as a space, and inside there is none.
  std::string line = outcome.result;
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

}  // namespace

Output::Output(std::FILE* file)
    : file_(file), terminal_(isatty(fileno(file)) == 1), colors_(terminal_ && ColorsWelcome()) {}

void Output::Write(std::string_view untrusted) {
  WriteAll(file_, terminal_ ? EscapeForTerminal(untrusted) : untrusted);
}

std::string Output::Paint(Color color, std::string_view text) const {
  if (!colors_) return std::string(text);
  const int code = color == Color::kRed      ? 31
                   : color == Color::kGreen  ? 32
                   : color == Color::kYellow ? 33
                                             : 2;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void Output::Print(std::string_view trusted) { WriteAll(file_, trusted); }

nanogrid::Status Output::Flush() {
  if (std::fflush(file_) == 0 && std::ferror(file_) == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("standard output: {}", std::strerror(errno)));
}

LiveLog::LiveLog(std::FILE* file) : file_(file), terminal_(isatty(fileno(file)) == 1) {}

void LiveLog::Write(std::string_view bytes) {
  if (bytes.empty()) return;
  line_open_ = bytes.back() != '\n';
  WriteAll(file_, terminal_ ? escaper_.Escape(bytes) : bytes);
  std::fflush(file_);
}

void LiveLog::Finish() {
  WriteAll(file_, escaper_.Finish());
  if (std::exchange(line_open_, false)) WriteAll(file_, "\n");
}

std::string OutcomeJson(const nanogrid::Outcome& outcome, std::string_view log,
                        std::string_view job_id) {
  return fmt::format(
      R"({{{}"status":"{}","ending":"{}","result":{},"error":{},"logs":{},)"
      R"("usage":{{"wall_ms":{:.3f},"cpu_ms":{:.3f},"peak_memory_bytes":{}}},"start":"{}"}})"
      "\n",
      job_id.empty() ? "" : fmt::format(R"("job_id":{},)", JsonString(job_id)),
      nanogrid::ToString(nanogrid::StateOf(outcome.ending)), nanogrid::ToString(outcome.ending),
      ResultMember(outcome), ErrorMember(outcome), JsonString(log),
      Milliseconds(outcome.usage.wall), Milliseconds(outcome.usage.cpu), outcome.usage.peak_memory,
      nanogrid::ToString(outcome.start));
}

void ShowError(Output& err, const nanogrid::FunctionError& error) {
  err.Print(err.Paint(Color::kRed, EscapeForTerminal(error.type + ": " + error.message)) + "\n");
  if (error.stack.empty()) return;
  err.Write(error.stack);
  if (error.stack.back() != '\n') err.Print("\n");
}

void ShowRefusedFiles(Output& err, const nanogrid::Outcome& outcome) {
  for (const nanogrid::OutputFile& file : outcome.refused_files) {
    err.Print(err.Paint(Color::kYellow, "not a result file: "));
    err.Print(EscapeForTerminal(file.path + ": " + file.reason) + "\n");
  }
}

ExitCode ReportFailure(const nanogrid::Status& error, bool json) {
  Output out(stdout);
  if (json) out.Print(nanogrid::ErrorJson(error) + "\n");
  (void)out.Flush();
  Output err(stderr);
  err.Print(err.Paint(Color::kRed, "nanogrid: "));
  err.Write(std::string(error.message()) + "\n");
  return ExitCodeOf(error);
}

std::string UsageLine(const nanogrid::Outcome& outcome) {
  return fmt::format("{} start · wall {:.2f} ms · cpu {:.2f} ms · memory {:.1f} MiB",
                     nanogrid::ToString(outcome.start), Milliseconds(outcome.usage.wall),
                     Milliseconds(outcome.usage.cpu),
                     static_cast<double>(outcome.usage.peak_memory) / (1 << 20));
}
