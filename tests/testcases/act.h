/* What the hostile programs share. Each attempt prints a line: "refused ERRNO what" or "ESCAPED
   what". */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[4096] __attribute__((unused, aligned(4096)));

/* A call that must be refused; `result` is negative then, and errno says why. */
static inline void Attempt(const char* what, long result) {
  if (result < 0) {
    const char* name = strerrorname_np(errno);
    printf("refused %s %s\n", name != NULL ? name : "?", what);
  } else {
    printf("ESCAPED %s answered %ld\n", what, result);
  }
  fflush(stdout);
}

/* A raw call, with all six arguments. */
#define CALL(number, ...) syscall(number, ##__VA_ARGS__)

static inline void Escaped(const char* what) {
  printf("ESCAPED %s\n", what);
  fflush(stdout);
}

/* One line of the standard input: what follows `key`. */
static inline const char* Bait(const char* key) {
  static char text[8192];
  static char value[4096];
  if (text[0] == 0) {
    size_t size = 0;
    ssize_t got;
    while ((got = read(0, text + size, sizeof(text) - 1 - size)) > 0) size += (size_t)got;
  }
  const size_t length = strlen(key);
  for (const char* line = text; line != NULL && *line != 0;) {
    const char* end = strchr(line, '\n');
    if (strncmp(line, key, length) == 0 && line[length] == ' ' && end != NULL) {
      snprintf(value, sizeof(value), "%.*s", (int)(end - line - (long)length - 1),
               line + length + 1);
      return value;
    }
    line = end != NULL ? end + 1 : NULL;
  }
  printf("no bait %s\n", key);
  exit(1);
}

/* Opening is refused, or nothing comes out. */
static inline void AttemptRead(const char* path) {
  char bytes[256];
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
  if (got == 0) {
    printf("refused EMPTY %s\n", path);
  } else {
    Attempt(path, got);
  }
  if (fd >= 0) close(fd);
}

static inline void AttemptOpen(const char* path, int flags) {
  const int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC, 0666);
  Attempt(path, fd);
  if (fd >= 0) close(fd);
}

/* Writing is refused, at the open or at the write. */
static inline void AttemptWrite(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  Attempt(path, fd < 0 ? -1 : write(fd, text, strlen(text)));
  if (fd >= 0) close(fd);
}
