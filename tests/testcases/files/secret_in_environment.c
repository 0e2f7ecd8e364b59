// act: reads the host's environment in its own
// expect: returns
#include "../act.h"

extern char** environ;

int main(void) {
  const char* secret = Bait("secret");
  for (char** each = environ; *each != NULL; ++each) {
    if (strstr(*each, secret) != NULL) Escaped(*each);
  }
}
