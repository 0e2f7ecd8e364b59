// Functions in C++, for runtime native. Nothing but this header is needed; C++17 and up.
//
//   #include <nanogrid/function.h>
//
//   std::string Hello(std::string_view event, const nanogrid::FunctionContext& context) {
//     return "{\"echo\": " + std::string(event) + "}";
//   }
//   NANOGRID_MAIN(Hello)
//
// It speaks docs/frame-protocol.md. The rest of NanoGrid's headers are for programs that run
// functions; a program may include both.
#pragma once

#include <cxxabi.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace nanogrid {

// What a handler is told besides its event. Views live during the call only.
struct FunctionContext {
  std::string_view request_id;
  std::string_view function_name;
  std::string_view function_version;
  uint64_t memory_limit_mb = 0;
  std::optional<std::chrono::system_clock::time_point> deadline;  // none: as long as it takes
  int progress_fd = -1;  // where ReportProgress writes; -1: nowhere

  // Tells who watches the job how far it is: JSON text of at most 4000 bytes. False if it is longer
  // or nobody is there. From any thread, but not after the handler has returned.
  bool ReportProgress(std::string_view json) const;

  // Not negative; max() without a deadline.
  std::chrono::milliseconds RemainingTime() const {
    if (!deadline) return std::chrono::milliseconds::max();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        *deadline - std::chrono::system_clock::now());
    return left.count() > 0 ? left : std::chrono::milliseconds::zero();
  }
};

// An error whose type the handler names. Of any other exception the class's name is reported.
class FunctionFailure : public std::exception {
 public:
  FunctionFailure(std::string type, std::string message)
      : type_(std::move(type)), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  const std::string& type() const { return type_; }

 private:
  std::string type_, message_;
};

// `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
inline std::string JsonString(std::string_view text);

// Calls `handler` for every event until the host wants no more; answers main's exit status.
//
// handler(std::string_view event, const FunctionContext&), or with the event alone, answers JSON
// text (anything a std::string_view is made from), or is void. What it throws becomes the
// invocation's error. stdout and stderr are the log; stdout is flushed line by line.
template <typename Handler>
int Serve(Handler&& handler, int input = 3, int output = 4);

}  // namespace nanogrid

// A main function that serves a handler: a function's name, or a lambda.
#define NANOGRID_MAIN(...) \
  int main() { return ::nanogrid::Serve(__VA_ARGS__); }

// Implementation from here on.

namespace nanogrid {
namespace function_internal {

constexpr size_t kHeaderSize = 24;
constexpr size_t kKeptCapacity = 1 << 20;  // a buffer larger than this is given back after use
constexpr size_t kMaxProgress = 4000;  // with its header it goes into a pipe in one piece: pipe(7)
enum FrameType : uint32_t { kResult = 2, kError = 3, kProgress = 5 };

template <typename Int>
Int Load(const char* bytes) {
  Int value = 0;
  for (size_t i = 0; i < sizeof value; ++i) {
    value |= static_cast<Int>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

inline std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

inline void EncodeHeader(FrameType type, size_t size, char (&header)[kHeaderSize]) {
  std::memset(header, 0, kHeaderSize);
  header[0] = static_cast<char>(type);
  for (int i = 0; i < 4; ++i) header[8 + i] = static_cast<char>(size >> (8 * i));
}

// The pipes from and to the host, with one buffer that every event is read into.
class Channel {
 public:
  Channel(int input, int output) : input_(input), output_(output) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { std::free(buffer_); }

  // False when there is none any more: errno is 0 at the regular end.
  bool Receive(std::string_view& request_id, std::string_view& event, uint64_t& deadline_ms) {
    if (capacity_ > kKeptCapacity) {
      std::free(std::exchange(buffer_, nullptr));
      capacity_ = 0;
    }
    size_t size = 0;
    if (!ReadTo(kHeaderSize, size)) return false;
    const size_t meta = Load<uint32_t>(buffer_ + 4);
    const size_t body = Load<uint32_t>(buffer_ + 8);
    if (!ReadTo(kHeaderSize + meta + body, size)) return false;
    request_id = {buffer_ + kHeaderSize, meta};
    event = {buffer_ + kHeaderSize + meta, body};
    deadline_ms = Load<uint64_t>(buffer_ + 16);
    return true;
  }

  // False if the host is gone.
  bool Send(FrameType type, std::string_view body) {
    if (body.size() > UINT32_MAX) return Send(kError, TooLarge(body.size()));
    char header[kHeaderSize];
    EncodeHeader(type, body.size(), header);
    iovec parts[2] = {{header, kHeaderSize}, {const_cast<char*>(body.data()), body.size()}};
    while (parts[0].iov_len + parts[1].iov_len > 0) {
      const ssize_t sent = ::writev(output_, parts, 2);
      if (sent < 0 && errno != EINTR) return false;
      size_t rest = sent < 0 ? 0 : static_cast<size_t>(sent);
      for (iovec& part : parts) {
        const size_t step = rest < part.iov_len ? rest : part.iov_len;
        part.iov_base = static_cast<char*>(part.iov_base) + step;
        part.iov_len -= step;
        rest -= step;
      }
    }
    return true;
  }

 private:
  bool ReadTo(size_t wanted, size_t& size) {
    if (wanted > capacity_ || buffer_ == nullptr) {
      const size_t capacity = wanted > kInitialCapacity ? wanted : kInitialCapacity;
      char* grown = static_cast<char*>(std::realloc(buffer_, capacity));
      if (grown == nullptr) return false;
      buffer_ = grown;
      capacity_ = capacity;
    }
    while (size < wanted) {
      const ssize_t got = ::read(input_, buffer_ + size, capacity_ - size);
      if (got < 0 && errno == EINTR) continue;
      if (got == 0) errno = 0;
      if (got <= 0) return false;
      size += static_cast<size_t>(got);
    }
    return true;
  }

  static std::string TooLarge(size_t size) {
    return "{\"type\": \"Runtime.ResponseSizeTooLarge\", \"message\": \"A result of " +
           std::to_string(size) + " bytes does not fit in a frame\", \"stack\": \"\"}";
  }

  static constexpr size_t kInitialCapacity = 64 << 10;

  const int input_;
  const int output_;
  char* buffer_ = nullptr;
  size_t capacity_ = 0;
};

// Length of the UTF-8 sequence at the start of `text`, 0 if it is none.
inline size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Longer than need be, a surrogate, or beyond U+10FFFF.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
      (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

inline std::string TypeName(const std::type_info* type) {
  if (type == nullptr) return "unknown";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type->name();
}

inline std::string ErrorBody(const std::string& type, std::string_view message) {
  return "{\"type\": " + JsonString(type) + ", \"message\": " + JsonString(message) +
         ", \"stack\": \"\"}";
}

// To be called while an exception is handled.
inline std::string DescribeException() {
  try {
    throw;
  } catch (const FunctionFailure& failure) {
    return ErrorBody(failure.type(), failure.what());
  } catch (const std::exception& error) {
    return ErrorBody(TypeName(&typeid(error)), error.what());
  } catch (...) {
    const std::string type = TypeName(abi::__cxa_current_exception_type());
    return ErrorBody(type, "the handler threw a " + type);
  }
}

template <typename Handler>
decltype(auto) Call(Handler& handler, std::string_view event, const FunctionContext& context) {
  if constexpr (std::is_invocable_v<Handler&, std::string_view, const FunctionContext&>) {
    return handler(event, context);
  } else {
    static_assert(std::is_invocable_v<Handler&, std::string_view>,
                  "a handler takes (std::string_view event, const FunctionContext&), or the event");
    return handler(event);
  }
}

// One invocation, from event to answer. False if the host is gone.
template <typename Handler>
bool Answer(Channel& channel, Handler& handler, std::string_view event,
            const FunctionContext& context) {
  std::string error;
  try {
    if constexpr (std::is_void_v<decltype(Call(handler, event, context))>) {
      Call(handler, event, context);
      std::fflush(stdout);
      return channel.Send(kResult, "null");
    } else {
      const auto& result = Call(handler, event, context);
      std::fflush(stdout);
      return channel.Send(kResult, std::string_view(result));
    }
  } catch (...) {
    error = DescribeException();
  }
  std::fflush(stdout);
  return channel.Send(kError, error);
}

}  // namespace function_internal

inline bool FunctionContext::ReportProgress(std::string_view json) const {
  using namespace function_internal;
  if (json.empty() || json.size() > kMaxProgress) return false;
  char header[kHeaderSize];
  EncodeHeader(kProgress, json.size(), header);
  const iovec parts[2] = {{header, kHeaderSize}, {const_cast<char*>(json.data()), json.size()}};
  return ::writev(progress_fd, parts, 2) == static_cast<ssize_t>(kHeaderSize + json.size());
}

inline std::string JsonString(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string json = "\"";
  json.reserve(text.size() + 2);
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = function_internal::Utf8Length(text);
    if (length == 0) {
      json += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (c == '\n') {
      json += "\\n";
    } else if (length == 1 && c < 0x20) {
      json += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return json += '"';
}

template <typename Handler>
int Serve(Handler&& handler, int input, int output) {
  using namespace function_internal;
  for (const int fd : {input, output}) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) continue;
    std::fprintf(stderr, "descriptor %d is no pipe to NanoGrid: start this with nanogrid run\n",
                 fd);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  Channel host(input, output);
  FunctionContext context;
  context.progress_fd = output;
  context.function_name = Environment("AWS_LAMBDA_FUNCTION_NAME");
  context.function_version = Environment("AWS_LAMBDA_FUNCTION_VERSION");
  context.memory_limit_mb = std::strtoull(
      std::string(Environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")).c_str(), nullptr, 10);
  std::string_view event;
  uint64_t deadline_ms = 0;
  while (host.Receive(context.request_id, event, deadline_ms)) {
    context.deadline.reset();
    if (deadline_ms != 0) {
      context.deadline.emplace(std::chrono::milliseconds(deadline_ms));
    }
    if (!Answer(host, handler, event, context)) return 0;
  }
  return errno == 0 ? 0 : 1;
}

}  // namespace nanogrid
