#include "show_result.h"

#include <fmt/format.h>

#include "output.h"
#include "output_directory.h"

namespace {

using nanogrid::Outcome;

// To standard output as it comes.
class OutputSink final : public nanogrid::Sink {
 public:
  explicit OutputSink(Output& out) : out_(out) {}
  nanogrid::Status Write(std::string_view bytes) override {
    if (!bytes.empty()) last_ = bytes.back();
    out_.Write(bytes);
    return absl::OkStatus();
  }
  char last() const { return last_; }

 private:
  Output& out_;
  char last_ = '\n';
};

class StringSink final : public nanogrid::Sink {
 public:
  nanogrid::Status Write(std::string_view bytes) override {
    text += bytes;
    return absl::OkStatus();
  }
  std::string text{};
};

// A job can end without having run.
Outcome OutcomeOf(const nanogrid::Job& job) {
  if (job.outcome) return *job.outcome;
  const bool cancelled = job.state == nanogrid::JobState::kCancelled;
  const auto ending = cancelled ? nanogrid::Ending::kCancelled : nanogrid::Ending::kException;
  return {.ending = ending,
          .error = nanogrid::FunctionError{
              .type = std::string(nanogrid::ToString(ending)),
              .message = cancelled ? "cancelled before it started" : job.dead_letter}};
}

}  // namespace

nanogrid::Result<ExitCode> ShowResult(nanogrid::Controller& controller, const nanogrid::Job& job,
                                      const ShowOptions& options, std::string_view log) {
  Output out(stdout), err(stderr);
  Outcome outcome = OutcomeOf(job);
  const bool success = job.state == nanogrid::JobState::kSuccess;
  if (options.json) {
    StringSink result;
    if (success) {
      const auto read = controller.ReadResult({}, job.id, result);
      if (!read.ok()) return read;
    }
    outcome.result = std::move(result.text);
    out.Print(OutcomeJson(outcome, log, job.id));
  } else if (success) {
    OutputSink sink(out);
    const auto read = controller.ReadResult({}, job.id, sink);
    if (!read.ok()) return read;
    if (outcome.result_is_json) out.Print("\n");
  } else if (outcome.error) {
    ShowError(err, *outcome.error);
  }
  ShowRefusedFiles(err, outcome);
  if (!options.output.empty()) {
    const auto saved = SaveFiles(controller, job.id, options.output);
    if (!saved.ok()) return saved;
  }
  if (options.verbose) err.Print(err.Paint(Color::kDim, UsageLine(outcome)) + "\n");
  const auto flushed = out.Flush();
  if (!flushed.ok()) return flushed;
  return ExitCodeOf(outcome.ending);
}
