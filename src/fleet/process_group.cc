#include "fleet/process_group.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/errors.h"

namespace nanogrid {
namespace {

// Asks the kernel to send SIGTERM when the parent is gone, then becomes the worker.
constexpr char kWithParent[] = "/usr/bin/setpriv";

// Signals are as a new process expects them, whatever this one blocks.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    // A group of its own: a key press in a terminal is the controller's.
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~SpawnAttributes() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;

  Result<pid_t> Spawn(std::vector<std::string> command) {
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t process = -1;
    const int error =
        ::posix_spawn(&process, argv[0], &actions_, &attributes_, argv.data(), environ);
    if (error != 0) return ErrnoError(error, "start " + command[0]);
    return process;
  }

 private:
  posix_spawnattr_t attributes_ = {};
  posix_spawn_file_actions_t actions_ = {};
};

class ProcessGroup final : public WorkerGroup {
 public:
  explicit ProcessGroup(ProcessGroupOptions options) : options_(std::move(options)) {}
  ~ProcessGroup() override {
    for (const Member& member : members_) ::kill(member.process, SIGTERM);
  }

  Result<uint32_t> Size(const Context&) override {
    Reap();
    return static_cast<uint32_t>(std::count_if(
        members_.begin(), members_.end(), [](const Member& member) { return !member.leaving; }));
  }

  Status Resize(const Context& context, uint32_t size, const std::set<std::string>& busy) override {
    NANOGRID_ASSIGN_OR_RETURN(uint32_t now, Size(context));
    for (; now < size; ++now) NANOGRID_RETURN_IF_ERROR(Start());
    // The youngest first: the others have more in their caches.
    for (auto member = members_.rbegin(); member != members_.rend() && now > size; ++member) {
      if (member->leaving || busy.contains(member->name)) continue;
      ::kill(member->process, SIGTERM);
      member->leaving = true;
      --now;
    }
    return absl::OkStatus();
  }

 private:
  struct Member {
    pid_t process;
    std::string name;
    bool leaving = false;
  };

  Status Start() {
    std::string name = fmt::format("{}{}", options_.name_prefix, ++started_);
    std::vector<std::string> command{kWithParent, "--pdeathsig", "TERM", "--", options_.program};
    command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
    command.insert(command.end(), {"--name", name});
    SpawnAttributes attributes;
    NANOGRID_ASSIGN_OR_RETURN(const pid_t process, attributes.Spawn(std::move(command)));
    members_.push_back({process, std::move(name)});
    return absl::OkStatus();
  }

  void Reap() {
    std::erase_if(members_, [](const Member& member) {
      int status = 0;
      const pid_t ended = ::waitpid(member.process, &status, WNOHANG);
      return ended == member.process || (ended < 0 && errno == ECHILD);
    });
  }

  const ProcessGroupOptions options_;
  std::vector<Member> members_;
  uint64_t started_ = 0;
};

}  // namespace

std::unique_ptr<WorkerGroup> MakeProcessGroup(ProcessGroupOptions options) {
  return std::make_unique<ProcessGroup>(std::move(options));
}

}  // namespace nanogrid
