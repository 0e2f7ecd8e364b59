#include "sandbox/docker/seccomp_profile.h"

extern "C" const char nanogrid_docker_profile_begin[], nanogrid_docker_profile_end[];

namespace nanogrid::docker {

std::string_view SeccompProfile() {
  return {nanogrid_docker_profile_begin,
          static_cast<size_t>(nanogrid_docker_profile_end - nanogrid_docker_profile_begin)};
}

}  // namespace nanogrid::docker
