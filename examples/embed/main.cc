// Runs untrusted Python in a sandbox, and answers with its result.
#include <nanogrid/nanogrid.h>

#include <iostream>

int main() {
  using namespace std::chrono_literals;
  const std::string source = "def handler(event, context): return f\"Hello, {event['name']}!\"";

  auto engine = nanogrid::OpenLocal();
  if (!engine.ok()) return std::cerr << engine.status() << '\n', 3;

  auto version =
      (*engine)->Register({.name = "hello", .code = nanogrid::Code::Inline("hello.py", source)});
  if (!version.ok()) return std::cerr << version.status() << '\n', 3;

  auto outcome = (*engine)->Invoke(nanogrid::Context::WithTimeout(5s),
                                   {.function = "hello", .event = R"({"name": "Ada"})"});
  if (!outcome.ok()) return std::cerr << outcome.status() << '\n', 3;
  if (outcome->error) return std::cerr << outcome->error->message << '\n', 1;
  std::cout << outcome->result << '\n';
}
