// act: starts threads without end
// limits: processes=32
// expect: ends too_many_processes
#include <pthread.h>

#include "../act.h"

static void* Sleep(void* nothing) {
  for (;;) pause();
  return nothing;
}

int main(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  for (;;) {
    pthread_t thread;
    pthread_create(&thread, &small, Sleep, NULL);
  }
}
