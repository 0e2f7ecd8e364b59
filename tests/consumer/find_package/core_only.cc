// The lowest layer alone: a program that only parses links nothing of the sandbox.
#include <nanogrid/uri.h>

#include <iostream>

int main() {
  const auto uri = nanogrid::Uri::Parse("file:///var/lib/app");
  if (!uri.ok()) return 1;
  std::cout << uri->path << '\n';
}
