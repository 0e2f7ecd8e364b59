#include <nanogrid/function.h>

// The event is JSON text; use the JSON library you like.
std::string Hello(std::string_view event, const nanogrid::FunctionContext& context) {
  return "{\"greeting\": \"Hello from C++!\", \"event\": " + std::string(event) +
         ", \"request_id\": " + nanogrid::JsonString(context.request_id) + "}";
}

NANOGRID_MAIN(Hello)
