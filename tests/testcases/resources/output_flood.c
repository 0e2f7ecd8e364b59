// act: answers without end
// limits: output=1M
// expect: ends output_limit
#include "../act.h"

int main(void) {
  while (write(1, buffer, sizeof(buffer)) > 0) {
  }
  for (;;) pause();
}
