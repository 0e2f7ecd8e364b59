// nanogrid storage verify: whether the two sides of a mirrored store have the same.
#include <fmt/format.h>
#include <nanogrid/adapters/fleet.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "command.h"
#include "escaping.h"
#include "output.h"

namespace {

struct VerifyOptions {
  std::string config{};
  std::string prefix{};
  bool repair = false;
  bool json = false;
};

ExitCode Verify(const VerifyOptions& options) {
  const auto config = nanogrid::LoadFleetConfig(
      {.file = options.config, .environment = nanogrid::ReadEnvironment()});
  if (!config.ok()) return ReportFailure(config.status(), options.json);
  if (config->mirror.empty()) {
    return ReportFailure(absl::InvalidArgumentError("mirror: the configuration names none"),
                         options.json);
  }
  const auto parts = nanogrid::OpenFleetParts(*config);
  if (!parts.ok()) return ReportFailure(parts.status(), options.json);
  const auto report = parts->mirror->Verify({}, options.prefix, options.repair);
  if (!report.ok()) return ReportFailure(report.status(), options.json);
  Output out(stdout);
  if (options.json) {
    out.Print(fmt::format(
        R"({{"equal":{},"objects":{},"only_primary":{},"only_second":{},"different":{},)"
        R"("repaired":{},"pending":{},"bytes_compared":{}}})"
        "\n",
        report->Equal(), report->objects, report->only_primary, report->only_second,
        report->different, report->repaired, report->pending, report->bytes_compared));
  } else {
    for (const std::string& detail : report->details) {
      out.Print(EscapeForTerminal(detail) + "\n");
    }
    out.Print(
        fmt::format("{} objects, {} equal; {} here only, {} there only, {} different; {} "
                    "repaired, {} waiting to be copied\n",
                    report->objects, report->equal, report->only_primary, report->only_second,
                    report->different, report->repaired, report->pending));
  }
  return report->Equal() || (options.repair && report->pending == 0 &&
                             report->equal + report->repaired == report->objects)
             ? kExitSuccess
             : kExitEngineFailed;
}

}  // namespace

Command AddStorageVerifyCommand(CLI::App& app) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* const storage =
      app.add_subcommand("storage", "Look after the object stores of a fleet");
  storage->require_subcommand(1);
  CLI::App* const command =
      storage->add_subcommand("verify", "Compare the two sides of a mirrored store");
  command
      ->add_option("--config", options->config,
                   "The file that the fleet's controllers and workers have (NANOGRID_CONFIG)")
      ->type_name("FILE");
  command->add_option("--prefix", options->prefix, "Only keys that begin so")->type_name("TEXT");
  command->add_flag("--repair", options->repair,
                    "Copy what one side lacks, and the first side's where they differ");
  command->add_flag("--json", options->json, "Print one object");
  command->footer("Exit status: 0 they are equal, 3 they are not.");
  return {command, [options] { return Verify(*options); }};
}
