// Which version of a language's tool is installed.
#pragma once

#include <string>

// The first line that the program at `path` prints about its version; empty if it is missing.
std::string ToolVersion(const std::string& path);
