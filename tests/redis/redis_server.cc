#include "redis/redis_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/unique_fd.h"

namespace nanogrid {
namespace {

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "redis-server: %s\n", why.c_str());
  std::abort();
}

// One that nobody listens on; somebody else may be faster, then the server says so and another is
// taken.
uint16_t FreePort() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Fail("no free port");
  }
  return ntohs(address.sin_port);
}

// It ends with the thread that calls this.
pid_t Launch(const std::string& configuration) {
  const pid_t process = ::fork();
  if (process < 0) Fail("fork");
  if (process > 0) return process;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execlp("redis-server", "redis-server", configuration.c_str(), nullptr);
  ::_exit(127);
}

// Whether it accepts and, if it speaks plainly, says anything: whether it has loaded its data is
// for the client to wait.
bool Answers(uint16_t port, bool plain) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  char answer = 0;
  return !plain || (::send(fd.get(), "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                    ::recv(fd.get(), &answer, 1, 0) == 1);
}

bool Ended(pid_t process) { return ::waitpid(process, nullptr, WNOHANG) == process; }

}  // namespace

RedisServer::RedisServer(std::vector<std::string> settings, RedisOptions admin)
    : settings_(std::move(settings)), admin_(std::move(admin)) {
  Start();
}

RedisServer::~RedisServer() { Kill(); }

void RedisServer::Start() {
  const bool again = port_ != 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (!again) admin_.port = port_ = FreePort();
    const std::string path = directory() + "/redis.conf";
    std::ofstream conf(path);
    conf << "bind 127.0.0.1\n"
         << (admin_.tls ? "port 0\ntls-port " : "port ") << port_ << "\ndir " << directory()
         << "\nsave \"\"\ndaemonize no\nlogfile " << directory() << "/log\n"
         << "enable-debug-command yes\n";
    for (const std::string& line : settings_) conf << line << "\n";
    conf.close();
    process_ = Launch(path);
    for (int look = 0; look < 1000 && !Ended(process_); ++look) {
      if (Answers(port_, !admin_.tls)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    process_ = -1;
  }
  std::ostringstream log;
  log << std::ifstream(directory() + "/log").rdbuf();
  Fail("does not start; is it there (cmake/install-packages.sh test)? " + log.str());
}

void RedisServer::Kill() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RedisServer::Signal(int signal) const { ::kill(process_, signal); }

std::vector<redis::Reply> RedisServer::Ask(const redis::Request& request) const {
  const auto client = redis::Client::Open(options());
  if (!client.ok()) Fail(client.status().ToString());
  auto replies = (*client)->Call(Context{}, request, redis::Repeat::kNever);
  if (!replies.ok()) Fail(replies.status().ToString());
  return *std::move(replies);
}

redis::Reply RedisServer::Ask(std::initializer_list<std::string_view> words) const {
  redis::Request request;
  request.Begin(words.size());
  for (const std::string_view word : words) request.Word(word);
  return Ask(request).front();
}

RedisServer& SharedRedisServer() {
  static RedisServer server;
  server.Ask({"FLUSHALL"});
  return server;
}

}  // namespace nanogrid
