// The controller of a data directory, in this process and over HTTP.
#include "nanogrid/testing/controller_conformance.h"

#include <cstdlib>
#include <filesystem>

#include "nanogrid/adapters/http.h"
#include "nanogrid/adapters/local.h"
#include "nanogrid/adapters/remote.h"

namespace nanogrid {
namespace {

// Everything that a controller here stands on, in the order in which it is made.
struct Place {
  Place() {
    std::string name = (std::filesystem::temp_directory_path() / "nanogrid-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    directory = name;
    auto opened = OpenService({.data = directory + "/data", .worker = {.slots = 2}});
    EXPECT_TRUE(opened.ok()) << opened.status();
    if (opened.ok()) service = *std::move(opened);
  }
  ~Place() {
    remote.reset();
    server.reset();
    service.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::string directory;
  std::unique_ptr<Service> service;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<Controller> remote;
};

std::shared_ptr<Controller> MakeLocal() {
  const auto place = std::make_shared<Place>();
  if (place->service == nullptr) return nullptr;
  return {place, &place->service->controller()};
}

std::shared_ptr<Controller> MakeRemote() {
  const auto place = std::make_shared<Place>();
  if (place->service == nullptr) return nullptr;
  auto server = ServeHttp(place->service->controller(), {.listen = "127.0.0.1:0"});
  EXPECT_TRUE(server.ok()) << server.status();
  if (!server.ok()) return nullptr;
  place->server = *std::move(server);
  auto remote = ConnectController({.server = place->server->url()});
  EXPECT_TRUE(remote.ok()) << remote.status();
  if (!remote.ok()) return nullptr;
  place->remote = *std::move(remote);
  return {place, place->remote.get()};
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Controllers, ControllerConformance,
                         testing::Values(ControllerAdapter{"local", MakeLocal},
                                         ControllerAdapter{"http", MakeRemote}),
                         [](const auto& adapter) { return adapter.param.name; });

}  // namespace nanogrid
