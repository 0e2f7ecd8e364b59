// act: finds the core that its child left
// expect: returns no core
#include <dirent.h>

#include "../act.h"

int main(void) {
  if (chdir("/tmp") != 0) return 1;
  const pid_t child = fork();
  if (child == 0) abort();
  int status = 0;
  waitpid(child, &status, 0);
  if (WCOREDUMP(status)) Escaped("a core was dumped");
  DIR* directory = opendir("/tmp");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (strstr(entry->d_name, "core") != NULL) Escaped(entry->d_name);
  }
  puts("no core");
}
