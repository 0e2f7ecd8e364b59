// "env:" and "file:///dir": secrets that whoever starts the program has put beside it.
#pragma once

#include <memory>
#include <string>

#include "nanogrid/secret_source.h"
#include "nanogrid/uri.h"

namespace nanogrid {

// The environment variable `prefix` + NAME, upper case, other characters than letters and digits as
// '_': "db/password" is DB_PASSWORD. Rotates only with the process.
std::unique_ptr<SecretSource> MakeEnvironmentSecrets(std::string prefix = "");

// The file of that name below `directory`, without one line break at its end, read anew each time:
// what Docker and Kubernetes mount, and systemd's $CREDENTIALS_DIRECTORY. Links are followed as
// long as they stay inside. At most 64 KiB. PermissionDenied if everybody may read the file.
Result<std::unique_ptr<SecretSource>> MakeFileSecrets(const std::string& directory);

// "env:" or "env:PREFIX"; "file:///dir".
Result<std::unique_ptr<SecretSource>> MakeEnvironmentSecrets(const Uri& uri);
Result<std::unique_ptr<SecretSource>> MakeFileSecrets(const Uri& uri);

}  // namespace nanogrid
