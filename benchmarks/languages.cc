// Cold start of the languages: the first call of a function, against the bare interpreter.
#include <fmt/format.h>

#include "contenders.h"
#include "scenarios.h"

namespace {

struct Language {
  std::string scenario;
  nanogrid::Code code;
  std::vector<std::string> interpreter;  // that does nothing
  std::optional<double> bar;
  int share;  // of the rounds that something quick gets
};

// Registers the function as if for the first time, so that no instance of it is warm.
nanogrid::Status RegisterAnew(nanogrid::Engine& engine, const nanogrid::Code& code) {
  nanogrid::Status removed = engine.Remove({}, "hello");
  if (!removed.ok()) return removed;
  return engine.Register({.name = "hello", .code = code}).status();
}

void MeasureLanguage(Bench& bench, const Language& language) {
  if (access(language.interpreter[0].c_str(), X_OK) != 0) {
    return bench.report.AddSkip(language.scenario, language.interpreter[0] + " is not installed");
  }
  auto engine = OpenEngine();
  if (!engine.ok()) return bench.report.AddFailure(language.scenario, engine.status());
  const std::string bare = fmt::format("{}", fmt::join(language.interpreter, " "));
  const std::vector<Contender> contenders = {
      {.name = bare,
       .measure = [&] { return Timed([&] { return RunToEnd(language.interpreter); }); }},
      {.name = "engine, first call",
       .measure =
           [&] {
             return Timed([&] {
               return InvokeChecked(**engine, {.function = "hello"}, nanogrid::StartKind::kCold)
                   .status();
             });
           },
       .prepare = [&] { return RegisterAnew(**engine, language.code); },
       .versus = bare,
       .bar = language.bar},
  };
  Measure(bench, language.scenario, contenders, bench.rounds / language.share);
}

}  // namespace

void MeasurePython(Bench& bench) {
  MeasureLanguage(bench, {.scenario = "cold start of Python",
                          .code = nanogrid::Code::Inline("hello.py",
                                                         "def handler(event, context):\n"
                                                         "    return {'hello': 'world'}\n"),
                          .interpreter = {"/usr/bin/python3", "-c", "pass"},
                          .bar = 1.2,
                          .share = 4});
}

void MeasureNodeJs(Bench& bench) {
  MeasureLanguage(bench, {.scenario = "cold start of Node.js",
                          .code = nanogrid::Code::Inline(
                              "hello.js", "exports.handler = async () => ({hello: 'world'});\n"),
                          .interpreter = {"/usr/bin/node", "-e", "0"},
                          .bar = 1.2,
                          .share = 16});
}
