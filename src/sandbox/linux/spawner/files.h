// Small reads and writes of kernel files.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace nanogrid::spawner {

// Opened close-on-exec; invalid with errno set.
inline UniqueFd OpenAt(int dir, const char* path, int flags) {
  return UniqueFd(openat(dir, path, flags | O_CLOEXEC));
}

inline bool WriteFd(int fd, std::string_view text) {
  return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// False with errno set.
inline bool WriteFileAt(int dir, const char* path, std::string_view text) {
  UniqueFd fd = OpenAt(dir, path, O_WRONLY);
  return fd && WriteFd(fd.get(), text);
}

// Empty if it cannot be read.
inline std::string ReadFileAt(int dir, const char* path) {
  std::string text;
  UniqueFd fd = OpenAt(dir, path, O_RDONLY);
  if (!fd) return text;
  char buffer[4096];
  for (ssize_t got; (got = read(fd.get(), buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

}  // namespace nanogrid::spawner
