// Writes and removes through a mirror until it is killed, and says what was acknowledged:
// kill_mirror DIRECTORY SEED. The first store is away now and then.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "mirror/faulty_store.h"
#include "nanogrid/adapters/file.h"
#include "nanogrid/adapters/mirror.h"

int main(int, char** arguments) {
  using namespace nanogrid;
  const std::string directory = arguments[1];
  std::mt19937 random(static_cast<unsigned>(std::atoi(arguments[2])));
  const auto first = MakeFileObjectStore(FileObjectStoreOptions{.directory = directory + "/first"});
  const auto second =
      MakeFileObjectStore(FileObjectStoreOptions{.directory = directory + "/second"});
  Faults faults;
  const auto mirror = MakeMirroredStore(
      std::make_unique<FaultyStore>(**first, faults),
      *MakeFileObjectStore(FileObjectStoreOptions{.directory = directory + "/second"}),
      {.outbox = directory + "/outbox",
       .primary_pause = Duration::zero(),
       .retry_base = std::chrono::milliseconds(1),
       .retry_cap = std::chrono::milliseconds(2)});
  if (!first.ok() || !second.ok() || !mirror.ok()) return 1;
  for (int step = 0;; ++step) {
    faults.away = random() % 3 == 0;
    const std::string key = "k" + std::to_string(random() % 20);
    const std::string content = random() % 4 == 0 ? "" : std::to_string(step);
    std::printf("begin %s %s\n", key.c_str(), content.c_str());
    std::fflush(stdout);
    const Status done = content.empty() ? (*mirror)->Remove(Context{}, key)
                                        : WriteObject(Context{}, **mirror, key, content).status();
    if (!done.ok()) return 2;
    std::printf("done\n");
    std::fflush(stdout);
  }
}
