#include "child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

namespace {

// Small and the same every time: a shell's environment differs from machine to machine.
const char* const kEnvironment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", nullptr};

nanogrid::Status Error(const std::string& what, int error) {
  return absl::InternalError(fmt::format("{}: {}", what, std::strerror(error)));
}

// The child's standard input and output get these; both stay open here.
nanogrid::Result<pid_t> Launch(const std::vector<std::string>& argv, int in, int out,
                               Launcher launcher) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  char** const environment = const_cast<char**>(kEnvironment);
  if (launcher == Launcher::kFork) {
    const pid_t pid = fork();
    if (pid < 0) return Error("fork", errno);
    if (pid > 0) return pid;
    if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0) execve(arguments[0], arguments.data(), environment);
    _exit(127);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error(argv[0], error);
  return pid;
}

}  // namespace

nanogrid::Result<ChildProcess> ChildProcess::Start(const std::vector<std::string>& argv,
                                                   Channel channel, Launcher launcher) {
  ChildProcess child;
  Descriptor child_in, child_out;
  int fds[2];
  if (channel == Channel::kSocket) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
      return Error("socketpair", errno);
    }
    child.output_ = Descriptor(fds[0]);
    child_in = Descriptor(fds[1]);
  } else {
    if (pipe2(fds, O_CLOEXEC) != 0) return Error("pipe", errno);
    child.output_ = Descriptor(fds[0]);
    child_out = Descriptor(fds[1]);
    if (channel == Channel::kPipes) {
      if (pipe2(fds, O_CLOEXEC) != 0) return Error("pipe", errno);
      child_in = Descriptor(fds[0]);
      child.input_ = Descriptor(fds[1]);
    } else {
      child_in = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (child_in.get() < 0) return Error("/dev/null", errno);
    }
  }
  const int out = child_out.get() >= 0 ? child_out.get() : child_in.get();
  const nanogrid::Result<pid_t> pid = Launch(argv, child_in.get(), out, launcher);
  if (!pid.ok()) return pid.status();
  child.pid_ = *pid;
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  input_.Close();
  output_.Close();
  waitpid(pid_, nullptr, 0);
}

nanogrid::Status ChildProcess::RoundTrip(const std::string& message, std::string& answer) {
  for (size_t sent = 0; sent < message.size();) {
    const ssize_t wrote = write(input_fd(), message.data() + sent, message.size() - sent);
    if (wrote <= 0) return Error("write to child", errno);
    sent += static_cast<size_t>(wrote);
  }
  answer.resize(message.size());
  for (size_t have = 0; have < answer.size();) {
    const ssize_t got = read(output_.get(), answer.data() + have, answer.size() - have);
    if (got <= 0) return Error("read from child", errno);
    have += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

nanogrid::Result<std::string> ChildProcess::Finish() {
  input_.Close();
  std::string output;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(output_.get(), buffer, sizeof(buffer));
    if (got < 0) return Error("read from child", errno);
    if (got == 0) break;
    output.append(buffer, static_cast<size_t>(got));
  }
  int status = 0;
  const pid_t waited = waitpid(std::exchange(pid_, -1), &status, 0);
  if (waited < 0) return Error("wait for child", errno);
  if (status != 0) return absl::InternalError(fmt::format("child ended with status {}", status));
  return output;
}
