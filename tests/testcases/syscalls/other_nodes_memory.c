// act: moves pages of processes between memory nodes, which tells where they are
// expect: refused EPERM
#include "../act.h"

int main(void) {
  Attempt("move_pages", CALL(SYS_move_pages, 1, 0, 0, 0, 0, 0));
  Attempt("migrate_pages", CALL(SYS_migrate_pages, 1, 64, buffer, buffer));
}
