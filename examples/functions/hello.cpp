// Compiled when it is registered, inside a sandbox. Event and result are JSON text.
#include <nanogrid/function.h>

std::string Hello(std::string_view event, const nanogrid::FunctionContext&) {
  return "{\"greeting\": \"Hello from C++\", \"event\": " + std::string(event) + "}";
}
NANOGRID_MAIN(Hello)
