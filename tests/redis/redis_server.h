// A redis-server of a test's own, in a directory of its own, on a free port.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/temporary_directory.h"
#include "nanogrid/adapters/redis.h"
#include "redis/client.h"

namespace nanogrid {

class RedisServer {
 public:
  // With further lines of redis.conf ("appendonly yes"). Ends the test program if it cannot start.
  // `admin`: how Ask gets in; with `tls` the server takes nothing else.
  explicit RedisServer(std::vector<std::string> settings = {}, RedisOptions admin = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  const RedisOptions& options() const { return admin_; }
  uint16_t port() const { return port_; }
  std::string directory() const { return directory_.path().string(); }

  // Starts it on the same port with the same data.
  void Start();
  // kill -9, and waits until it is gone.
  void Kill();
  void Signal(int signal) const;

  // Asks it something as an administrator; ends the test program if it cannot.
  std::vector<redis::Reply> Ask(const redis::Request& request) const;
  redis::Reply Ask(std::initializer_list<std::string_view> words) const;

 private:
  const TemporaryDirectory directory_;
  const std::vector<std::string> settings_;
  RedisOptions admin_;
  uint16_t port_ = 0;
  pid_t process_ = -1;
};

// One for all tests of the program, emptied by whoever takes it.
RedisServer& SharedRedisServer();

}  // namespace nanogrid
