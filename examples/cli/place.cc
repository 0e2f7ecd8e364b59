#include "place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nanogrid/adapters/http.h>
#include <nanogrid/adapters/local.h>
#include <nanogrid/adapters/remote.h>
#include <sys/file.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

namespace {

using nanogrid::Result;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string DefaultData() {
  if (const std::string data = Variable("XDG_DATA_HOME"); data.starts_with('/')) {
    return data + "/nanogrid";
  }
  const std::string home = Variable("HOME");
  return home.empty() ? "" : home + "/.local/share/nanogrid";
}

// Options beat the environment; there a server beats a directory.
PlaceOptions Resolve(PlaceOptions options) {
  if (options.token_file.empty()) options.token_file = Variable("NANOGRID_TOKEN_FILE");
  if (options.data.empty() && options.server.empty()) options.server = Variable("NANOGRID_SERVER");
  if (options.data.empty() && options.server.empty()) options.data = Variable("NANOGRID_DATA");
  if (options.data.empty() && options.server.empty()) options.data = DefaultData();
  return options;
}

// Whether a controller holds the directory: it keeps a lock on this file as long as it lives.
bool ControllerWorksOn(const std::string& data) {
  const int file = open((data + "/controller.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0;
  close(file);
  return held;
}

class DataDirectory final : public Place {
 public:
  static Result<std::unique_ptr<Place>> Open(const std::string& data, bool work) {
    if (data.empty()) {
      return absl::InvalidArgumentError(
          "data: neither --data nor HOME says where; give --data DIR");
    }
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(data).parent_path(), error);
    const bool others_work = ControllerWorksOn(data);
    auto service = nanogrid::OpenService({.data = data, .run_worker = work && !others_work});
    if (!service.ok()) return service.status();
    return std::unique_ptr<Place>(
        new DataDirectory(data, *std::move(service), others_work || work));
  }

  nanogrid::Controller& controller() override { return service_->controller(); }
  const std::string& name() const override { return name_; }
  bool has_worker() const override { return has_worker_; }

 private:
  DataDirectory(std::string name, std::unique_ptr<nanogrid::Service> service, bool has_worker)
      : name_(std::move(name)), service_(std::move(service)), has_worker_(has_worker) {}

  const std::string name_;
  const std::unique_ptr<nanogrid::Service> service_;
  const bool has_worker_;
};

class Server final : public Place {
 public:
  static Result<std::unique_ptr<Place>> Connect(const PlaceOptions& options) {
    nanogrid::RemoteOptions remote{.server = options.server};
    if (!options.token_file.empty()) {
      const auto tokens = nanogrid::ReadTokenFile(options.token_file);
      if (!tokens.ok()) return tokens.status();
      if (tokens->empty()) {
        return absl::InvalidArgumentError("token_file: " + options.token_file + " has no token");
      }
      remote.token = tokens->front();
    }
    auto controller = nanogrid::ConnectController(remote);
    if (!controller.ok()) return controller.status();
    return std::unique_ptr<Place>(new Server(options.server, *std::move(controller)));
  }

  nanogrid::Controller& controller() override { return *controller_; }
  const std::string& name() const override { return name_; }
  bool has_worker() const override { return true; }

 private:
  Server(std::string name, std::unique_ptr<nanogrid::Controller> controller)
      : name_(std::move(name)), controller_(std::move(controller)) {}

  const std::string name_;
  const std::unique_ptr<nanogrid::Controller> controller_;
};

}  // namespace

void AddPlaceOptions(CLI::App& command, PlaceOptions& options) {
  CLI::Option* const data =
      command
          .add_option("--data", options.data,
                      "Work in this directory (NANOGRID_DATA; default: ~/.local/share/nanogrid)")
          ->type_name("DIR")
          ->group("Where");
  command
      .add_option("--server", options.server,
                  "Work with the controller at this address (NANOGRID_SERVER)")
      ->type_name("URL")
      ->group("Where")
      ->excludes(data);
  command
      .add_option("--token-file", options.token_file,
                  "A file with the token that the server asks for (NANOGRID_TOKEN_FILE)")
      ->type_name("FILE")
      ->group("Where");
}

bool PlaceExists(const PlaceOptions& options) {
  const PlaceOptions place = Resolve(options);
  return !place.server.empty() || std::filesystem::exists(place.data + "/nanogrid.db");
}

Result<std::unique_ptr<Place>> OpenPlace(const PlaceOptions& given, bool work) {
  const PlaceOptions options = Resolve(given);
  return options.server.empty() ? DataDirectory::Open(options.data, work)
                                : Server::Connect(options);
}
