// Runs inside a sandbox and speaks the frame protocol (docs/frame-protocol.md), well or badly, as
// each event tells it. An event is "command" or "command:argument".
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr int kInput = 3;
constexpr int kOutput = 4;
enum : uint32_t { kResult = 2, kError = 3, kReady = 4, kProgress = 5 };

struct Header {
  uint32_t type, meta_length, body_length, reserved;
  uint64_t deadline_ms;
};
static_assert(sizeof(Header) == 24);

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote <= 0) _exit(90);
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
}

bool ReadAll(char* to, size_t size) {
  while (size > 0) {
    const ssize_t got = read(kInput, to, size);
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

std::string Frame(uint32_t type, std::string_view body) {
  const Header header = {type, 0, static_cast<uint32_t>(body.size()), 0, 0};
  std::string frame(reinterpret_cast<const char*>(&header), sizeof(header));
  return frame.append(body);
}

void Answer(std::string_view json) { WriteAll(kOutput, Frame(kResult, json)); }

// SIGUSR1 is blocked: the host sends it when it has taken an answer.
void WaitForHost() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  int signal = 0;
  sigwait(&set, &signal);
}
// Visible to the host in /proc/PID/comm.
void TellHost(const char* name) { prctl(PR_SET_NAME, name); }

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::strtoul(std::string(hex.substr(i, 2)).c_str(), nullptr, 16));
  }
  return bytes;
}

std::string JsonText(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '\n') {
      json += "\\n";
    } else if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else {
      json += c;
    }
  }
  return json += '"';
}

std::string ShellOutput(const std::string& script) {
  std::string output;
  FILE* const pipe = popen(script.c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  char buffer[4096];
  for (size_t got; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, got);
  pclose(pipe);
  return output;
}

void* Spin(void*) {
  for (;;) __asm__ volatile("");
}

void Serve(const std::string& id, uint64_t deadline_ms, const std::string& event) {
  static int count = 0;
  const size_t colon = event.find(':');
  const std::string command = event.substr(0, colon);
  const std::string argument = colon == std::string::npos ? "" : event.substr(colon + 1);
  const int number = std::atoi(argument.c_str());
  if (command == "count") {
    Answer(std::to_string(++count));
  } else if (command == "echo") {
    Answer(argument);
  } else if (command == "id") {
    Answer(JsonText(id));
  } else if (command == "deadline") {
    Answer(std::to_string(deadline_ms));
  } else if (command == "pid") {
    Answer(std::to_string(getpid()));
  } else if (command == "error") {
    WriteAll(kOutput, Frame(kError, argument));
  } else if (command == "log") {
    WriteAll(2, argument);
    Answer("null");
  } else if (command == "log-in-two") {
    WriteAll(2, "1");
    WaitForHost();
    WriteAll(2, "2");
    Answer("null");
    TellHost("said-it");
  } else if (command == "log-after") {
    Answer("null");
    WaitForHost();
    WriteAll(2, argument);
    TellHost("said-it");
  } else if (command == "frame-after") {
    Answer("null");
    WaitForHost();
    Answer("\"nobody asked\"");
    TellHost("said-it");
  } else if (command == "flood-after") {
    Answer("null");
    WaitForHost();
    const std::string line(4096, 'x');
    for (;;) WriteAll(2, line);
  } else if (command == "progress") {
    WriteAll(kOutput, Frame(kProgress, "1") + Frame(kProgress, argument) + Frame(kResult, "2"));
  } else if (command == "progress-byte-by-byte") {
    for (const char c : Frame(kProgress, argument) + Frame(kResult, "2"))
      WriteAll(kOutput, {&c, 1});
  } else if (command == "progress-without-end") {
    for (;;) WriteAll(kOutput, Frame(kProgress, "[1, 2, 3]"));
  } else if (command == "two-frames") {
    WriteAll(kOutput, Frame(kResult, "1") + Frame(kResult, "2"));
  } else if (command == "ready-again") {
    WriteAll(kOutput, Frame(kReady, "") + Frame(kResult, "1"));
  } else if (command == "raw") {
    WriteAll(kOutput, FromHex(argument));
    for (;;) pause();
  } else if (command == "byte-by-byte") {
    for (const char c : Frame(kResult, argument)) WriteAll(kOutput, {&c, 1});
  } else if (command == "half") {
    WriteAll(kOutput, Frame(kResult, argument).substr(0, 30));
    _exit(0);
  } else if (command == "close") {
    close(kOutput);
    for (;;) pause();
  } else if (command == "wait") {
    WriteAll(2, "ready\n");
    for (;;) pause();
  } else if (command == "spin") {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, Spin, nullptr) != 0) _exit(91);
    Answer("null");
  } else if (command == "shell") {
    Answer(JsonText(ShellOutput(argument)));
  } else if (command == "answer-and-exit") {
    Answer("\"last words\"");
    _exit(number);
  } else if (command == "orphan-and-exit" || command == "orphan-answer-and-exit") {
    // A descendant in a session of its own keeps every descriptor open.
    if (fork() == 0) {
      setsid();
      if (fork() != 0) _exit(0);
      for (;;) pause();
    }
    if (command != "orphan-and-exit") Answer("\"last words\"");
    _exit(number);
  } else if (command == "exit") {
    _exit(number);
  } else if (command == "signal") {
    kill(getpid(), number);
  } else {
    WriteAll(kOutput, Frame(kError, R"({"type":"Usage","message":"no such command","stack":""})"));
  }
}

}  // namespace

// frame_server [ready|ready-with-body] MARKER
int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  if (option == "ready") WriteAll(kOutput, Frame(kReady, ""));
  if (option == "ready-with-body") WriteAll(kOutput, Frame(kReady, "x"));
  if (option == "result-first") WriteAll(kOutput, Frame(kResult, "0"));
  Header header;
  while (ReadAll(reinterpret_cast<char*>(&header), sizeof(header))) {
    std::string id(header.meta_length, '\0');
    std::string event(header.body_length, '\0');
    if (!ReadAll(id.data(), id.size()) || !ReadAll(event.data(), event.size())) return 92;
    Serve(id, header.deadline_ms, event);
  }
  return 0;
}
