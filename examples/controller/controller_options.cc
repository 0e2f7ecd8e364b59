#include "controller_options.h"

#include <nanogrid/settings.h>

#include <CLI/CLI.hpp>

namespace {

constexpr char kExamples[] = R"(Examples:
  nanogrid-controller
  nanogrid-controller --listen 127.0.0.1:0 --data /var/lib/nanogrid --slots 8
  nanogrid-controller --listen 0.0.0.0:8080 --token-file /etc/nanogrid/tokens

The address goes to standard output, everything else to standard error. SIGTERM and SIGINT let
running jobs finish for the time of --drain; what still runs then is run again by the next start.
A second signal ends it at once.
Exit status: 0 ended by a signal, 2 usage, 3 it could not start.)";

// Sizes and times are written as in a function's settings.
template <typename Value, typename Parse>
void AddText(CLI::App& app, const std::string& name, Value& value, Parse parse,
             const std::string& help, const std::string& type) {
  app.add_option_function<std::string>(
         "--" + name,
         [&value, parse, name](const std::string& text) {
           const auto parsed = parse(name, text);
           if (!parsed.ok()) {
             throw CLI::ValidationError(std::string(parsed.status().message()));
           }
           value = *parsed;
         },
         help)
      ->type_name(type);
}

}  // namespace

void AddControllerOptions(CLI::App& app, ControllerCommand& command) {
  app.add_option("--listen", command.listen,
                 "Address and port, 0 for any (default: 127.0.0.1:8080)")
      ->type_name("ADDRESS");
  app.add_option("--data", command.data,
                 "Functions, jobs and results are kept here (default: ~/.local/share/nanogrid)")
      ->envname("NANOGRID_DATA")
      ->type_name("DIR");
  app.add_option("--slots", command.slots,
                 "Jobs that run at once (default: as many as there are CPUs)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  app.add_flag("--no-worker", command.no_worker, "Take jobs and run none");
  app.add_option("--token-file", command.token_file,
                 "Tokens that clients must present, one per line; needed beyond loopback")
      ->envname("NANOGRID_TOKEN_FILE")
      ->type_name("FILE");
  AddText(app, "retention", command.retention, nanogrid::ParseDuration,
          "How long finished jobs are kept, with logs and results (default: 24h)", "TIME");
  AddText(app, "drain", command.drain, nanogrid::ParseDuration,
          "How long running jobs may go on after a signal (default: 30s)", "TIME");
  AddText(app, "max-body", command.max_body, nanogrid::ParseSize,
          "Bytes of an event or of code (default: 256M)", "SIZE");
  app.add_option("--max-connections", command.max_connections, "At once (default: 20000)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  app.footer(kExamples);
}
