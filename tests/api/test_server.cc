// The API on functions that only pretend, for tests and load from outside:
//   api_test_server [--port N] [--slots N] [--connections N] [--token T] [--header-ms N]
//                   [--heartbeat-ms N] [--memory BYTES] [--body BYTES]
// Prints "listening on http://…" and serves until standard input ends.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "api/fake_service.h"
#include "nanogrid/adapters/http.h"

int main(int argc, char** argv) {
  using namespace nanogrid;
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  const auto number = [&](const char* name, uint64_t otherwise) {
    const auto found = given.find(name);
    return found == given.end() ? otherwise : std::strtoull(found->second.c_str(), nullptr, 10);
  };
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  FakeService service(static_cast<uint32_t>(number("--slots", 2)));
  service.Deploy();
  HttpServerOptions options{.listen = "127.0.0.1:" + std::to_string(number("--port", 0)),
                            .worker = service.worker()};
  if (given.contains("--token")) options.tokens.push_back(given["--token"]);
  HttpLimits& limits = options.limits;
  limits.max_connections = static_cast<uint32_t>(number("--connections", limits.max_connections));
  limits.max_memory = number("--memory", limits.max_memory);
  limits.max_body = number("--body", limits.max_body);
  limits.header_timeout = std::chrono::milliseconds(number("--header-ms", 10'000));
  limits.heartbeat = std::chrono::milliseconds(number("--heartbeat-ms", 15'000));
  const auto server = ServeHttp(service.controller(), options);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  std::printf("listening on %s\n", (*server)->url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  (*server)->Stop(Context::WithTimeout(std::chrono::seconds(5)));
  return 0;
}
