// A database file for one test.
#pragma once

#include <list>
#include <string>

#include "core/temporary_directory.h"
#include "nanogrid/adapters/sqlite.h"

namespace nanogrid {

class TemporaryDatabase {
 public:
  std::string path() const { return (directory_.path() / "nanogrid.db").string(); }
  // Ends the test if it cannot.
  SqliteStores Open(const Clock& clock = Clock::System()) const {
    return OpenSqlite({.path = path(), .clock = &clock}).value();
  }

 private:
  TemporaryDirectory directory_;
};

// One that lives until the program ends.
inline const TemporaryDatabase& NewDatabase() {
  static std::list<TemporaryDatabase> databases;
  return databases.emplace_back();
}

}  // namespace nanogrid
