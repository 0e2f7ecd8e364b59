#include "runtimes/function_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

namespace nanogrid::testing {
namespace {

namespace fs = std::filesystem;

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(std::map<std::string, std::string> env,
                                     const std::string& directory) {
  env.insert({{"PATH", "/usr/local/bin:/usr/bin:/bin"},
              {"LANG", "C.UTF-8"},
              {"TZ", "UTC"},
              {"HOME", "/tmp"},
              {"TMPDIR", "/tmp"},
              {"LAMBDA_TASK_ROOT", directory},
              {"AWS_LAMBDA_FUNCTION_NAME", "under-test"},
              {"AWS_LAMBDA_FUNCTION_VERSION", "7"},
              {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"}});
  std::vector<std::string> strings;
  for (const auto& [name, value] : env) {
    strings.push_back(std::string(name).append("=").append(value));
  }
  return strings;
}

// Starts argv with descriptors 0, 1, 2 and, unless negative, 3 and 4.
pid_t Spawn(std::vector<std::string> argv, const std::string& directory,
            std::vector<std::string> env, std::array<int, 5> descriptors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  for (int i = 0; i < 5; ++i) {
    const int fd = descriptors[static_cast<size_t>(i)];
    if (fd >= 0) posix_spawn_file_actions_adddup2(&actions, fd, i);
  }
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv[0].c_str(), &actions, nullptr, Pointers(argv).data(),
                                Pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << argv[0] << ": " << strerror(error);
  return pid;
}

// Descriptors above those that Spawn gives to the child.
UniqueFd High(int fd) {
  UniqueFd low(fd);
  return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 10));
}

std::string ReadAll(int fd) {
  std::string all;
  std::array<char, 65536> part;
  for (ssize_t got; (got = read(fd, part.data(), part.size())) > 0;) {
    all.append(part.data(), static_cast<size_t>(got));
  }
  return all;
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

ScratchDirectory::ScratchDirectory(const Files& files)
    : path_(::testing::TempDir() + "nanogrid-runtimes-XXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr) << path_;
  for (const auto& [name, content] : files) {
    const fs::path file = fs::path(path_) / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    if (content.starts_with("#!")) fs::permissions(file, fs::perms(0755));
  }
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

bool operator==(const Answer& a, const Answer& b) { return a.type == b.type && a.body == b.body; }

void PrintTo(const Answer& answer, std::ostream* out) {
  *out << "type " << static_cast<uint32_t>(answer.type) << ": " << answer.body.substr(0, 4096);
}

Answer Returned(std::string json) { return {FrameType::kResult, std::move(json)}; }

std::string ErrorField(const Answer& answer, std::string_view field) {
  if (answer.type != FrameType::kError) return "no error but: " + answer.body.substr(0, 4096);
  boost::json::error_code error;
  const boost::json::value body = boost::json::parse(answer.body, error);
  const boost::json::object* object = body.if_object();
  if (error || object == nullptr || object->size() != 3) return "no error body: " + answer.body;
  const auto* value = object->if_contains({field.data(), field.size()});
  if (value == nullptr || !value->is_string()) return "no such string in " + answer.body;
  return std::string(value->get_string().data(), value->get_string().size());
}

FunctionProcess::FunctionProcess(const std::vector<std::string>& command,
                                 const std::string& directory,
                                 std::map<std::string, std::string> env) {
  int pair[2], log[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_EQ(pipe2(log, O_CLOEXEC), 0);
  channel_ = High(pair[0]);
  log_ = High(log[0]);
  const UniqueFd theirs = High(pair[1]), log_end = High(log[1]);
  const UniqueFd null(High(open("/dev/null", O_RDONLY | O_CLOEXEC)));
  fcntl(log_.get(), F_SETPIPE_SZ, 1 << 20);
  fcntl(log_.get(), F_SETFL, O_NONBLOCK);
  const timeval minute = {.tv_sec = 60, .tv_usec = 0};
  setsockopt(channel_.get(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  setsockopt(channel_.get(), SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
  pid_ = Spawn(command, directory, Environment(std::move(env), directory),
               {null.get(), log_end.get(), log_end.get(), theirs.get(), theirs.get()});
}

FunctionProcess::~FunctionProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string InvokeFrame(std::string_view event, int64_t deadline_ms, std::string_view request_id) {
  const FrameHeaderBytes header =
      EncodeFrameHeader({.type = FrameType::kInvoke,
                         .meta_length = static_cast<uint32_t>(request_id.size()),
                         .body_length = static_cast<uint32_t>(event.size()),
                         .deadline_ms = deadline_ms});
  std::string frame(header.data(), header.size());
  return frame.append(request_id).append(event);
}

Answer FunctionProcess::Invoke(std::string_view event, int64_t deadline_ms,
                               std::string_view request_id) {
  Send(InvokeFrame(event, deadline_ms, request_id));
  return Receive();
}

void FunctionProcess::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(channel_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      ADD_FAILURE() << "send: " << strerror(errno) << "; log: " << TakeLog();
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

Answer FunctionProcess::Receive() {
  const auto read = [&](char* at, size_t size) {
    const ssize_t got = recv(channel_.get(), at, size, MSG_WAITALL);
    if (got == static_cast<ssize_t>(size)) return true;
    ADD_FAILURE() << "received " << got << " of " << size << " bytes; log: " << TakeLog();
    return false;
  };
  FrameHeaderBytes bytes{};
  if (!read(bytes.data(), bytes.size())) return {};
  const Result<FrameHeader> header = DecodeFrameHeader(bytes);
  EXPECT_TRUE(header.ok()) << header.status();
  if (!header.ok()) return {};
  EXPECT_EQ(header->meta_length, 0u);
  EXPECT_EQ(header->deadline_ms, 0);
  Answer answer{header->type, std::string(header->body_length, '\0')};
  if (!answer.body.empty()) read(answer.body.data(), answer.body.size());
  return answer;
}

std::string FunctionProcess::TakeLog() { return ReadAll(log_.get()); }

int FunctionProcess::CloseAndWait() {
  channel_.Reset();
  return Wait();
}

int FunctionProcess::Wait() {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended = {.fd = process.get(), .events = POLLIN, .revents = 0};
  if (poll(&ended, 1, 60'000) != 1) {
    ADD_FAILURE() << "still running after a minute; log: " << TakeLog();
    kill(pid_, SIGKILL);
  }
  int status = -1;
  EXPECT_EQ(waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
  return status;
}

Finished RunToEnd(const std::vector<std::string>& command, const std::string& directory,
                  const std::map<std::string, std::string>& env, const std::string& input) {
  const ScratchDirectory scratch({{"in", input}});
  const UniqueFd in = High(open((scratch.path() + "/in").c_str(), O_RDONLY | O_CLOEXEC));
  int out[2];
  EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
  const UniqueFd ours = High(out[0]);
  UniqueFd theirs = High(out[1]);
  const pid_t pid =
      Spawn(command, directory, Environment(env, directory), {in.get(), theirs.get(), 2, -1, -1});
  theirs.Reset();
  Finished finished{.out = ReadAll(ours.get())};
  waitpid(pid, &finished.wait_status, 0);
  return finished;
}

InstalledRuntime::InstalledRuntime(std::string_view name) : files_(BuiltinRuntimeFiles()) {
  for (const Runtime& runtime : BuiltinRuntimes()) {
    if (runtime.name == name) runtime_ = runtime;
  }
  EXPECT_FALSE(runtime_.name.empty()) << "no runtime " << name;
}

std::vector<std::string> InstalledRuntime::Command(const std::string& program) const {
  std::vector<std::string> command = runtime_.command;
  for (std::string& word : command) {
    ReplaceAll(word, "/var/runtime", files_.path());
    ReplaceAll(word, "{memory_mb}", "128");
    ReplaceAll(word, "{program}", program);
  }
  return command;
}

std::string InstalledRuntime::Compile(const ScratchDirectory& code, const std::string& main_file,
                                      const ScratchDirectory& out) const {
  const std::string source = code.path() + "/" + main_file;
  const std::string extension = fs::path(main_file).extension();
  for (const Compiler& compiler : runtime_.compilers) {
    if (std::ranges::find(compiler.extensions, extension) == compiler.extensions.end()) continue;
    std::string script = compiler.script;
    ReplaceAll(script, "/tmp", out.path());
    ReplaceAll(script, "/var/task", code.path());
    ReplaceAll(script, "/var/runtime", files_.path());
    const Finished finished = RunToEnd({"/bin/sh", "-c", script}, code.path(),
                                       {{"NANOGRID_SOURCE", source}, {"TMPDIR", out.path()}});
    if (finished.wait_status != 0) return "";
    std::string program = out.path() + "/compiled";
    std::ofstream(program, std::ios::binary) << finished.out;
    fs::permissions(program, fs::perms(0755));
    return program;
  }
  ADD_FAILURE() << "no compiler for " << main_file;
  return "";
}

}  // namespace nanogrid::testing
