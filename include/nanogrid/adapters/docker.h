// "docker:": containers of a Docker engine on this machine; docs/docker.md says how.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nanogrid/sandbox.h"
#include "nanogrid/uri.h"

namespace nanogrid {

struct DockerSandboxOptions {
  // "unix:///path" or "tcp://127.0.0.1:port": an engine on this machine, because code reaches its
  // containers through directories. Empty: $DOCKER_HOST, else unix:///var/run/docker.sock.
  std::string engine{};
  // Host directory of runtime files, seen read-only as /var/runtime; empty: none.
  std::string runtime_dir{};
  // Of functions that name no image: this, and the name of their runtime ("nanogrid/python3").
  // examples/docker/build-images.sh makes them.
  std::string image_prefix = "nanogrid/";
  // User ids of the containers, each its own; the default is shared with the Linux sandbox, and
  // both keep out of each other's way. An engine that maps ids, or runs rootless, gets 1000 and up.
  uint32_t first_uid = 1'900'000'000;
  uint32_t uid_count = 1 << 20;  // at least 256
};

// InvalidArgument for options that make no sense. Nothing is connected until the first Start, which
// also removes containers whose owner has died without doing so.
Result<std::unique_ptr<Sandbox>> MakeDockerSandbox(const DockerSandboxOptions& options = {});
// "docker:?engine=unix:///path&image_prefix=PREFIX"
Result<std::unique_ptr<Sandbox>> MakeDockerSandbox(const Uri& uri);

// What is known about the engine: for people.
struct DockerReport {
  bool reachable = false;
  std::string detail{};  // "Docker 20.10.24 at /var/run/docker.sock", or why not
};
DockerReport InspectDocker(const DockerSandboxOptions& options = {});

}  // namespace nanogrid
