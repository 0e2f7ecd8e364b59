// act: makes a program that runs as its owner, and another group's
// expect: returns 1000 1000
// expect docker: returns 1000 1000
#include "../act.h"

int main(int count, char** arguments) {
  if (count > 2) {
    printf("%d %d\n", geteuid(), getegid());
    return 0;
  }
  const int from = open("/proc/self/exe", O_RDONLY);
  const int to = open("/tmp/program", O_WRONLY | O_CREAT, 0755);
  ssize_t got;
  while ((got = read(from, buffer, sizeof(buffer))) > 0) {
    if (write(to, buffer, (size_t)got) != got) return 1;
  }
  if (chown("/tmp/program", 0, 0) == 0) Escaped("gave a file to root");
  (void)chmod("/tmp/program", 06755);
  close(to);
  char* again[] = {"program", arguments[1], "again", NULL};
  execv("/tmp/program", again);
  return 1;
}
