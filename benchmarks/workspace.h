// A directory with the programs that are measured, for as long as the object lives.
#pragma once

#include <nanogrid/status.h>

#include <memory>
#include <string>

class Workspace {
 public:
  static nanogrid::Result<std::unique_ptr<Workspace>> Make();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  // The directory that becomes /var/task in a sandbox.
  const std::string& programs() const { return path_; }
  std::string tiny() const { return path_ + "/tiny"; }
  std::string pipe_echo() const { return path_ + "/pipe_echo"; }
  std::string echo_function() const { return path_ + "/echo_function"; }

 private:
  explicit Workspace(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};
