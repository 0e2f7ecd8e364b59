// Servers that answer what the test says, byte by byte, plain or over TLS.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/unique_fd.h"

namespace nanogrid {

// Listens on loopback; every connection is handled by a function, one after the other.
class ScriptedServer {
 public:
  using Script = std::function<void(int connection)>;

  explicit ScriptedServer(std::vector<Script> scripts, std::string scheme = "http")
      : scheme_(std::move(scheme)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    ::getsockname(listener_.get(), generic, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, scripts = std::move(scripts)] {
      // OpenSSL's servers write without MSG_NOSIGNAL; that clients do not is what is tested.
      sigset_t pipe_signal;
      sigemptyset(&pipe_signal);
      sigaddset(&pipe_signal, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
      for (const Script& script : scripts) {
        const UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
        if (!connection) return;
        script(connection.get());
      }
    });
  }
  ~ScriptedServer() { ::shutdown(listener_.get(), SHUT_RDWR); }

  std::string url(const std::string& host = "127.0.0.1") const {
    return scheme_ + "://" + host + ":" + std::to_string(port_);
  }

 private:
  const std::string scheme_;
  UniqueFd listener_;
  uint16_t port_ = 0;
  std::jthread thread_;
};

// Everything up to the end of the header.
inline std::string ReadHead(int connection) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(connection, &c, 1, 0) == 1) head += c;
  return head;
}
inline void Say(int connection, std::string_view text) {
  EXPECT_EQ(::send(connection, text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}
inline ScriptedServer::Script Answer(std::string text) {
  return [text = std::move(text)](int connection) {
    ReadHead(connection);
    Say(connection, text);
  };
}

}  // namespace nanogrid
