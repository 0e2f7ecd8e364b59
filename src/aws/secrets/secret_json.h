// What Secrets Manager answers. Pure. No error shows any of it.
#pragma once

#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid::aws {

std::string GetSecretJson(std::string_view id);
// SecretString, or SecretBinary decoded. DataLoss: neither.
Result<std::string> ParseSecret(std::string_view json);

}  // namespace nanogrid::aws
