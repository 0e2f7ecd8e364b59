// nanogrid functions and rm: what is deployed.
#include <fmt/format.h>
#include <nanogrid/records_json.h>
#include <nanogrid/settings.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "command.h"
#include "job_view.h"
#include "output.h"
#include "place.h"

namespace {

using nanogrid::FunctionVersion;
using nanogrid::Status;

constexpr size_t kPage = 1000;

struct Options {
  std::vector<std::string> names{};
  bool json = false;
  bool quiet = false;
  PlaceOptions place{};
};

void Print(const Options& options, Output& out, const std::vector<FunctionVersion>& functions) {
  if (options.json || options.quiet) {
    for (const FunctionVersion& each : functions) {
      out.Print((options.json ? nanogrid::FunctionJson(each) : each.name) + "\n");
    }
    return;
  }
  Table table({"FUNCTION", "VERSION", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "AGE", ""});
  const nanogrid::SystemTime now = nanogrid::Clock::System().WallNow();
  for (const FunctionVersion& each : functions) {
    const bool host = each.grants.network == nanogrid::Network::kHost;
    table.Add({each.name, std::to_string(each.number), each.runtime, each.handler,
               nanogrid::FormatSize(each.limits.memory),
               each.limits.timeout ? nanogrid::FormatDuration(*each.limits.timeout) : "none",
               ShortDuration(std::max<nanogrid::Duration>(now - each.created, {})),
               host ? "NETWORK OF THE HOST" : ""},
              7, Color::kRed);
  }
  out.Print(table.Text(out, TerminalWidth()));
}

// All functions, or all versions of one.
Status Functions(const Options& options) {
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return place.status();
  nanogrid::Engine& engine = (*place)->controller().engine();
  std::vector<FunctionVersion> all;
  std::string cursor;
  do {
    auto page = options.names.empty() ? engine.List({}, cursor, kPage)
                                      : engine.ListVersions({}, options.names[0], cursor, kPage);
    if (!page.ok()) return page.status();
    std::move(page->functions.begin(), page->functions.end(), std::back_inserter(all));
    cursor = page->cursor;
  } while (!cursor.empty());
  Output out(stdout);
  Print(options, out, all);
  return out.Flush();
}

ExitCode Remove(const Options& options) {
  const auto place = OpenPlace(options.place);
  if (!place.ok()) return ReportFailure(place.status(), options.json);
  nanogrid::Engine& engine = (*place)->controller().engine();
  ExitCode code = kExitSuccess;
  Output out(stdout);
  for (const std::string& name : options.names) {
    Status status = engine.Get({}, name).status();  // a name that was mistyped is told
    if (status.ok()) status = engine.Remove({}, name);
    if (!status.ok()) {
      code = ReportFailure(status, options.json);
      continue;
    }
    out.Print(options.json ? fmt::format("{{\"removed\":{}}}\n", JsonString(name)) : name + "\n");
  }
  return out.Flush().ok() ? code : kExitEngineFailed;
}

}  // namespace

Command AddFunctionsCommand(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("functions", "List deployed functions, or the versions of one");
  command->add_option("NAME", options->names, "A function")->expected(0, 1)->type_name("");
  command->add_flag("-q,--quiet", options->quiet, "Print names only");
  command->add_flag("--json", options->json, "Print one object per function");
  AddPlaceOptions(*command, options->place);
  return {command, [options] {
            const Status status = Functions(*options);
            return status.ok() ? kExitSuccess : ReportFailure(status, options->json);
          }};
}

Command AddRmCommand(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("rm", "Remove functions with all their versions; running jobs go on");
  command->add_option("NAME", options->names, "Functions")->required()->type_name("");
  command->add_flag("--json", options->json, "Print one object per function");
  AddPlaceOptions(*command, options->place);
  return {command, [options] { return Remove(*options); }};
}
