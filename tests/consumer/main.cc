// What an application does with the installed library: one function, one answer.
#include <nanogrid/nanogrid.h>

#include <iostream>

int main() {
  auto engine = nanogrid::OpenLocal();
  if (!engine.ok()) {
    std::cerr << engine.status().ToString() << '\n';
    return 1;
  }
  const auto version =
      (*engine)->Register({.name = "add",
                           .code = nanogrid::Code::Inline("add.py",
                                                          "def handler(event, context):\n"
                                                          "    return sum(event)\n")});
  if (!version.ok()) {
    std::cerr << version.status().ToString() << '\n';
    return 1;
  }
  const auto outcome = (*engine)->Invoke({}, {.function = "add", .event = "[40, 2]"});
  if (!outcome.ok() || outcome->result != "42") {
    std::cerr << (outcome.ok() ? outcome->error->message : outcome.status().ToString()) << '\n';
    return 1;
  }
  std::cout << outcome->result << '\n';
}
