// Who calls AWS: keys from where this process was given them, renewed before they expire.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/signature.h"
#include "nanogrid/clock.h"

namespace nanogrid::aws {

// Thread-safe.
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;

  // Valid for a while yet. NotFound: there are none here; another source may have some.
  virtual Result<Credentials> Get(const Context& context) = 0;
  // A service has called them expired: the next Get fetches others. Ignored for other ones than the
  // current.
  virtual void Reject(const Credentials& /*credentials*/) {}
};

// Asks for credentials, slowly.
using FetchCredentials = std::function<Result<Credentials>(const Context&)>;

// Keeps what `fetch` answers until five minutes before it expires; whoever asks then fetches, once
// for all that ask meanwhile. While the old ones are valid, they are answered at once to everybody
// else, and to all if the fetch fails. `clock` outlives it.
std::unique_ptr<CredentialsSource> MakeCachedCredentials(FetchCredentials fetch,
                                                         const Clock& clock = Clock::System());

// Always the same.
std::unique_ptr<CredentialsSource> MakeFixedCredentials(Credentials credentials);

}  // namespace nanogrid::aws
