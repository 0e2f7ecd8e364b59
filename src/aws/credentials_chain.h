// Where this process's credentials come from, by what it was told.
#pragma once

#include <memory>

#include "aws/credentials.h"

namespace nanogrid::aws {

class Session;

// See Session::credentials(). Nothing is fetched before the first Get, whose errors say where was
// looked: NotFound if nothing is configured. `session` outlives it.
std::shared_ptr<CredentialsSource> MakeCredentials(Session& session);

}  // namespace nanogrid::aws
