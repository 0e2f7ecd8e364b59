// HTTP requests and responses as values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nanogrid {

class Source;
class SpoolFile;

// Names are compared without case; order and repetition are kept.
class HttpHeaders {
 public:
  using Field = std::pair<std::string, std::string>;

  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<Field> fields) : fields_(fields) {}

  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // The first one's value; null if there is none.
  const std::string* Find(std::string_view name) const;
  // The first one's value; empty if there is none.
  std::string_view Get(std::string_view name) const;
  size_t Count(std::string_view name) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_{};
};

// ASCII only.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
// Whether a comma-separated list, such as Connection's, has `token`.
bool HasToken(std::string_view list, std::string_view token);

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // as on the wire: path and query, percent-encoded
  HttpHeaders headers{};
  std::string body{};
  int version = 11;  // 10 or 11; clients send 11

  // Clients: the body comes from here rather than from `body`, source_size bytes, no more, no less.
  Source* source = nullptr;
  uint64_t source_size = 0;
  // Clients: the request may be sent again on a fresh connection although the server may have seen
  // it. Methods that HTTP calls idempotent always may, as long as nothing was read from `source`.
  bool repeatable = false;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers{};
  std::string body{};
  std::shared_ptr<SpoolFile> file{};  // servers: the body, if it is too large for memory
  HttpHeaders trailers{};             // clients: what came behind a chunked body
};

// "Not Found"; "Unknown" for a status that has no name here.
std::string_view ReasonPhrase(int status);

}  // namespace nanogrid
