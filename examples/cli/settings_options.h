// The settings of a function as options, by the library's one table.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

// As given, in their order, for nanogrid::ApplySetting.
using GivenSettings = std::vector<std::pair<std::string, std::string>>;

// `of_jobs`: also those that mean nothing to a function that is run without a job.
void AddSettingsOptions(CLI::App& command, GivenSettings& settings, bool of_jobs);
