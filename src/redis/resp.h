// Redis's wire protocol, version 2, without a connection: requests to bytes, bytes to replies.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/status.h"

namespace nanogrid::redis {

// Commands that are sent at once and answered in their order.
class Request {
 public:
  // Request().Command("SET", key, value).Command("GET", key)
  template <typename... Words>
  Request& Command(const Words&... words) {
    Begin(sizeof...(words));
    (Word(words), ...);
    return *this;
  }
  // A command of that many words, which must follow.
  void Begin(size_t words);
  void Word(std::string_view word);
  template <std::integral Integer>
  void Word(Integer value) {
    Word(std::string_view(std::to_string(value)));
  }

  const std::string& bytes() const { return bytes_; }
  size_t commands() const { return commands_; }

 private:
  std::string bytes_;
  size_t commands_ = 0;
};

struct Reply {
  enum class Type { kNil, kInteger, kText, kStatus, kError, kArray };

  Type type = Type::kNil;
  int64_t integer = 0;
  std::string text{};  // of kText (any bytes), kStatus, kError
  std::vector<Reply> items{};

  bool is_nil() const { return type == Type::kNil; }
  bool is_error() const { return type == Type::kError; }
  bool is_array() const { return type == Type::kArray; }
  // Of a number, also one that is text; 0 if it is none.
  int64_t Number() const;
};

// Replies out of a stream of bytes, however they are cut. After an error nothing more comes.
class ReplyReader {
 public:
  ReplyReader();

  void Feed(std::string_view bytes);
  // The next reply, none if bytes are missing. DataLoss: this is not the protocol, or a reply is
  // larger than anything that is asked for.
  Result<std::optional<Reply>> Next();

 private:
  struct Free {
    void operator()(void* reader) const;
  };
  std::unique_ptr<void, Free> reader_;  // hiredis's
  size_t pending_ = 0;                  // bytes since the last whole reply
};

}  // namespace nanogrid::redis
