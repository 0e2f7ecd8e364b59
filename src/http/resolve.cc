#include "http/resolve.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "core/errors.h"

namespace nanogrid {
namespace {

struct LookUp {
  std::mutex mutex{};
  std::condition_variable_any done{};
  std::optional<Result<AddressList>> answer{};
};

Result<AddressList> Ask(const std::string& host, const std::string& port, int flags) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Unavailable("server '{}': {}", host, gai_strerror(error));
  }
  AddressList list(found,
                   [](const addrinfo* first) { freeaddrinfo(const_cast<addrinfo*>(first)); });
  if (list == nullptr) return Unavailable("server '{}': has no address", host);
  return list;
}

void Work(const std::shared_ptr<LookUp>& look_up, const std::string& host,
          const std::string& port) {
  Result<AddressList> answer = Ask(host, port, 0);
  const std::lock_guard lock(look_up->mutex);
  look_up->answer = std::move(answer);
  look_up->done.notify_all();
}

}  // namespace

Result<AddressList> Resolve(const Context& context, const std::string& host,
                            const std::string& port) {
  NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
  if (Result<AddressList> number = Ask(host, port, AI_NUMERICHOST); number.ok()) return number;
  if (context.deadline == TimePoint::max() && !context.stop.stop_possible()) {
    return Ask(host, port, 0);
  }
  const auto look_up = std::make_shared<LookUp>();
  try {
    std::thread(Work, look_up, host, port).detach();
  } catch (const std::system_error& error) {
    return Unavailable("server '{}': no thread for its look-up: {}", host, error.what());
  }
  const auto answered = [&] { return look_up->answer.has_value(); };
  std::unique_lock lock(look_up->mutex);
  if (context.deadline == TimePoint::max()) {
    look_up->done.wait(lock, context.stop, answered);
  } else {
    look_up->done.wait_until(lock, context.stop, context.deadline, answered);
  }
  if (answered()) return *std::move(look_up->answer);
  return context.Check(std::chrono::steady_clock::now());
}

}  // namespace nanogrid
