// A function's description out of a command line: run and deploy.
#pragma once

#include <nanogrid/function_spec.h>

#include <string>

#include "settings_options.h"

// `name`: empty for one made of the path. InvalidArgument names what is wrong.
nanogrid::Result<nanogrid::FunctionSpec> MakeSpec(const std::string& path, const std::string& name,
                                                  const GivenSettings& settings);
