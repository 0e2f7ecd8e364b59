#include "nanogrid/observer.h"

namespace nanogrid {

void Observer::OnInvocationStart(std::string_view, uint64_t, std::string_view) {}
void Observer::OnInvocationEnd(std::string_view, uint64_t, std::string_view, const Outcome&) {}
void Observer::OnInstanceStart(std::string_view, uint64_t, Duration) {}
void Observer::OnInstanceStop(std::string_view, uint64_t, std::string_view) {}
void Observer::OnError(std::string_view, const Status&) {}

Observer& Observer::None() {
  static Observer& none = *new Observer;
  return none;
}

}  // namespace nanogrid
