// A native function whose result is its event.
#include <nanogrid/function.h>

std::string_view Echo(std::string_view event) { return event; }

NANOGRID_MAIN(Echo)
