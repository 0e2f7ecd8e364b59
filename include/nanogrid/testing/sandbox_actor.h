// The program that sandbox_conformance.h runs inside a sandbox. Its whole source file:
//
//   #include "nanogrid/testing/sandbox_actor.h"
//   int main(int argc, char** argv) { return nanogrid::RunSandboxActor(argc, argv); }
//
// Build it without sanitizers. Its event says what to do: a JSON string such as "exit"; whatever it
// does not know it answers as it is. With the argument "stdio" it reads its event from standard
// input and answers on standard output.
#pragma once

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "nanogrid/function.h"

namespace nanogrid {

class SandboxActor {
 public:
  std::string Act(std::string_view event) {
    ++count_;
    if (event == "\"count\"") return std::to_string(count_);
    if (event == "\"env\"") return Environment();
    if (event == "\"log\"") return Log();
    if (event == "\"log of a child\"") return LogOfAChild();
    if (event == "\"throw\"") throw FunctionFailure("Oops", "on purpose");
    if (event == "\"large\"") return "\"" + std::string(2 << 20, 'x') + "\"";
    if (event == "\"files\"") return LeaveFiles();
    if (event == "\"other files\"") return LeaveOtherFiles();
    if (event == "\"bad files\"") return LeaveBadFiles();
    if (event == "\"files without end\"") return LeaveFilesWithoutEnd();
    if (event == "\"files and failure\"") LeaveFilesAndFail();
    if (event == "\"exit\"") ::_exit(7);
    if (event == "\"crash\"") __builtin_trap();
    if (event == "\"spin\"") Spin();
    if (event == "\"sleep\"") Sleep();
    if (event == "\"family\"") Family();
    if (event == "\"flood\"") Flood();
    if (event == "\"hog\"") Hog();
    if (event == "\"fork\"") ForkBomb();
    return std::string(event);
  }

 private:
  static std::string Environment() {
    std::string json;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      json += (json.empty() ? "[" : ", ") + JsonString(*entry);
    }
    return json.empty() ? "[]" : json + "]";
  }
  static std::string Log() {
    std::cout << "to stdout\n" << std::flush;
    std::cerr << "to stderr\n" << std::flush;
    return "\"logged\"";
  }
  static std::string LogOfAChild() {
    const pid_t child = ::fork();
    if (child == 0) {
      std::cout << "from a child\n" << std::flush;
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    return "\"logged\"";
  }
  static std::string Output() { return std::getenv("NANOGRID_OUTPUT"); }
  static void WriteFile(const std::string& name, const std::string& content) {
    std::ofstream(Output() + "/" + name, std::ios::binary) << content;
  }
  static std::string LeaveFiles() {
    const std::string top = Output();
    WriteFile("b.txt", "of b");
    WriteFile("a.bin", std::string(300'000, 'a'));
    WriteFile("empty", "");
    ::mkdir((top + "/below").c_str(), 0755);
    ::mkdir((top + "/below/it").c_str(), 0700);
    WriteFile("below/it/c \xc3\xa4", "of c");
    return "\"left\"";
  }
  [[noreturn]] static void LeaveFilesAndFail() {
    LeaveFiles();
    throw FunctionFailure("Oops", "on purpose");
  }
  static std::string LeaveOtherFiles() {
    WriteFile("second", "of the second");
    return "\"left\"";
  }
  static std::string LeaveBadFiles() {
    const std::string top = Output();
    WriteFile("good", "good");
    (void)!::symlink("/etc/passwd", (top + "/link").c_str());
    (void)!::symlink("/", (top + "/root").c_str());
    WriteFile("one", "1");
    (void)!::link((top + "/one").c_str(), (top + "/two").c_str());
    ::mkfifo((top + "/fifo").c_str(), 0600);
    WriteFile("line\nbreak", "x");
    std::string path = top;
    for (int depth = 0; depth < 40; ++depth) ::mkdir((path += "/deep").c_str(), 0700);
    WriteFile("sparse", "");
    (void)!::truncate((top + "/sparse").c_str(), int64_t{1} << 40);
    return "\"left\"";
  }
  // A descendant goes on writing and replacing after the answer.
  static std::string LeaveFilesWithoutEnd() {
    WriteFile("first", "first");
    if (::fork() != 0) return "\"left\"";
    ::setsid();
    const std::string name = Output() + "/changing";
    for (unsigned turn = 0;; ++turn) {
      WriteFile("changing", std::string(turn % 8192, 'x'));
      ::unlink(name.c_str());
      (void)!::symlink("/etc/shadow", name.c_str());
      ::unlink(name.c_str());
      ::mkdir(name.c_str(), 0700);
      ::rmdir(name.c_str());
    }
  }
  static void SayStarted() { std::cout << "started\n" << std::flush; }
  [[noreturn]] static void Spin() {
    SayStarted();
    for (volatile unsigned turns = 0;;) turns = turns + 1;
  }
  [[noreturn]] static void Sleep() {
    SayStarted();
    for (;;) ::pause();
  }
  // Children and grandchildren that leave the session and ignore what they can.
  [[noreturn]] static void Family() {
    for (int i = 0; i < 3; ++i) {
      if (::fork() != 0) continue;
      ::setsid();
      for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_IGN);
      if (::fork() == 0) ::setsid();
      for (;;) ::pause();
    }
    Sleep();
  }
  [[noreturn]] static void Flood() {
    const std::string line(4095, '!');
    for (;;) std::cout << line << '\n' << std::flush;
  }
  [[noreturn]] static void Hog() {
    for (std::vector<char*> kept;;) {
      constexpr size_t kSize = 1 << 20;
      char* const block = static_cast<char*>(std::malloc(kSize));
      if (block == nullptr) continue;
      std::memset(block, 1, kSize);
      kept.push_back(block);
    }
  }
  [[noreturn]] static void ForkBomb() {
    for (;;) ::fork();
  }

  int count_ = 0;
};

inline int RunSandboxActor(int argc, char** argv) {
  SandboxActor actor;
  if (argc < 2 || std::string_view(argv[1]) != "stdio") {
    return Serve([&](std::string_view event) { return actor.Act(event); });
  }
  const std::string event{std::istreambuf_iterator<char>(std::cin), {}};
  std::cout << actor.Act(event) << std::flush;
  return 0;
}

}  // namespace nanogrid
