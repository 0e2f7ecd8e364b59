// Amazon Web Services, and what speaks their protocols: docs/adapters.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nanogrid/registry.h"

namespace nanogrid {

// What all of these adapters take. Everything empty: as AWS's own tools have it, from the
// environment, the profile files, the container or the instance. Keys are never options.
struct AwsOptions {
  std::string region{};       // AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's
  std::string endpoint{};     // "http://127.0.0.1:5000": instead of AWS's own
  std::string profile{};      // AWS_PROFILE, "default"
  std::string ca_file{};      // PEM: whom alone to trust; AWS_CA_BUNDLE, the system's
  uint32_t max_attempts = 3;  // of a call that may be repeated, the first included
};

// Adds the schemes of this build's AWS adapters. They share connections to the credentials'
// sources. Errors, such as a broken profile file, come when the first one is opened.
Status RegisterAws(Registry& registry, const AwsOptions& options = {});

}  // namespace nanogrid
