// act: looks for the host's secrets in its own memory, left by whoever started it
// expect: returns
#include "../act.h"

extern char** environ;

int main(void) {
  // Above the environment lie only the program's name and the kernel's gifts.
  const char* at = environ[0];
  const char* end = (const char*)(((uintptr_t)at | 0xfff) + 1);
  for (; at != NULL && at < end - 20; ++at) {
    if (memcmp(at, "nanogrid-bait-conten", 20) == 0) Escaped("the host's secret");
  }
}
