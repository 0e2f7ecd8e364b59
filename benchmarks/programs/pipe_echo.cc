// pipe_echo SIZE: answers every SIZE bytes on standard input with the same bytes on standard
// output.
#include <unistd.h>

#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::vector<char> buffer(std::strtoul(argv[1], nullptr, 10));
  for (;;) {
    for (size_t have = 0; have < buffer.size();) {
      const ssize_t got = read(0, buffer.data() + have, buffer.size() - have);
      if (got <= 0) return 0;
      have += static_cast<size_t>(got);
    }
    for (size_t sent = 0; sent < buffer.size();) {
      const ssize_t wrote = write(1, buffer.data() + sent, buffer.size() - sent);
      if (wrote <= 0) return 0;
      sent += static_cast<size_t>(wrote);
    }
  }
}
