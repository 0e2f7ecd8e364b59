// A program of tests/gcp/fake_gcs.py, for as long as the object lives.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace nanogrid {

class FakeGcs {
 public:
  FakeGcs();
  ~FakeGcs();
  FakeGcs(const FakeGcs&) = delete;
  FakeGcs& operator=(const FakeGcs&) = delete;

  std::string host() const { return "127.0.0.1:" + port_; }
  std::string url() const { return "http://" + host(); }
  // POST /_fake/WHAT; an empty body: GET. The answer's body.
  std::string Control(const std::string& what, const std::string& body) const;
  void Faults(const std::string& json) const { Control("faults", json); }
  // A number of /_fake/state, by its JSON pointer ("/counts/PUT"); 0 if it is not there.
  int64_t State(std::string_view pointer) const;

 private:
  pid_t process_ = -1;
  UniqueFd input_;
  std::string port_;
};

}  // namespace nanogrid
