// Pid 1 inside a sandbox. It inherits the seccomp filter and its descriptors, and has no
// environment.
#include "sandbox/common/init/supervisor.h"

extern "C" [[noreturn, gnu::used]] void NanogridInit() {
  nanogrid::init::Say(nanogrid::init::Supervise());
  nanogrid::init::Exit(0);
}
