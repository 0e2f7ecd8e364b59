// act: uses numbers that no call has
// expect: refused ENOSYS
#include "../act.h"

int main(void) {
  const long numbers[] = {600, 1000, 4095, 65535, 0x3fffffff};
  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); ++i) {
    Attempt("no call", CALL(numbers[i], 0, 0, 0));
  }
}
