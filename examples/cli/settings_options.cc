#include "settings_options.h"

#include <nanogrid/settings.h>

#include <CLI/CLI.hpp>
#include <algorithm>

namespace {

bool IsOfJobs(std::string_view name) {
  return name == "max_attempts" || name == "backoff" || name == "max_backoff" || name == "max_age";
}

}  // namespace

void AddSettingsOptions(CLI::App& command, GivenSettings& settings, bool of_jobs) {
  for (const nanogrid::SettingInfo& setting : nanogrid::FunctionSettings()) {
    if (!of_jobs && IsOfJobs(setting.name)) continue;
    const std::string name(setting.name);
    std::string flag = "--" + name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    if (setting.placeholder == "true|false") {
      command
          .add_flag_callback(
              flag, [&settings, name] { settings.emplace_back(name, "true"); },
              std::string(setting.help))
          ->group("Settings of the function");
      continue;
    }
    command
        .add_option_function<std::vector<std::string>>(
            flag,
            [&settings, name](const std::vector<std::string>& values) {
              for (const std::string& value : values) settings.emplace_back(name, value);
            },
            std::string(setting.help))
        ->expected(1)
        ->allow_extra_args(false)  // one value each time; brackets in it mean nothing
        ->multi_option_policy(name == "env" ? CLI::MultiOptionPolicy::TakeAll
                                            : CLI::MultiOptionPolicy::Throw)
        ->type_name(std::string(setting.placeholder))
        ->group("Settings of the function");
  }
}
