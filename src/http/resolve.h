// Names to addresses, without waiting longer than a Context allows.
#pragma once

#include <netdb.h>

#include <memory>
#include <string>

#include "nanogrid/context.h"

namespace nanogrid {

using AddressList = std::shared_ptr<const addrinfo>;

// At least one address, for stream sockets. Unavailable names the host. The resolver itself cannot
// be interrupted: when the context ends, a thread of its own finishes the look-up for nobody.
Result<AddressList> Resolve(const Context& context, const std::string& host,
                            const std::string& port);

}  // namespace nanogrid
