// Where commands work: a data directory on this machine, or a controller over HTTP.
#pragma once

#include <nanogrid/controller.h>

#include <memory>
#include <string>

namespace CLI {
class App;
}

struct PlaceOptions {
  std::string data{};        // empty: $XDG_DATA_HOME/nanogrid, or ~/.local/share/nanogrid
  std::string server{};      // "http://host:port"; empty: the data directory
  std::string token_file{};  // with the server's token
};

// --data, --server and --token-file, also from NANOGRID_DATA, NANOGRID_SERVER, NANOGRID_TOKEN_FILE.
void AddPlaceOptions(CLI::App& command, PlaceOptions& options);

class Place {
 public:
  virtual ~Place() = default;
  virtual nanogrid::Controller& controller() = 0;
  // For people: "/home/ada/.local/share/nanogrid", "http://127.0.0.1:8080".
  virtual const std::string& name() const = 0;
  // Whether jobs are run at all, by this process or another.
  virtual bool has_worker() const = 0;
};

// Whether there is anything to open: a server is named, or the directory holds data.
bool PlaceExists(const PlaceOptions& options);

// `work`: in a data directory on which no controller works this process runs jobs itself, until the
// place is closed.
nanogrid::Result<std::unique_ptr<Place>> OpenPlace(const PlaceOptions& options, bool work = false);
