// What a function may reach beyond its sandbox. Each grant is dangerous, has a name, is shown by
// `nanogrid doctor`, and stands in the record of every job that ran with it.
#pragma once

namespace nanogrid {

enum class Network {
  kNone,  // an own network namespace with only a loopback interface
  kHost,  // DANGEROUS: the host's interfaces, including other services on localhost
};

// Everything is denied unless named here.
struct Grants {
  Network network = Network::kNone;

  bool operator==(const Grants&) const = default;
};

}  // namespace nanogrid
