// act: finds what another function left in shared memory and temporary directories
// expect: returns
#include <dirent.h>

#include "../act.h"

int main(void) {
  const char* names[] = {"/tmp", "/dev/shm", "/var/tmp", "/run"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
    DIR* directory = opendir(names[i]);
    if (directory == NULL) continue;
    for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
      if (strstr(entry->d_name, "nanogrid-left") != NULL) Escaped(entry->d_name);
    }
    closedir(directory);
  }
}
