#include "sandbox/linux/spawner/spawner.h"

#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "sandbox/linux/spawner/files.h"
#include "sandbox/linux/spawner/mount_calls.h"

namespace nanogrid::spawner {
namespace {

// Long enough that a burst of starts is not held up by making things for the next one.
constexpr int kIdleMs = 2;
// A control group that the kernel does not let go yet is tried again at last this often.
constexpr int kBusyMs = 1000;

// Whether this process can do everything as root: mounts, namespaces, identities.
bool HasRootPowers() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  constexpr unsigned kNeeded = 1u << CAP_SYS_ADMIN | 1u << CAP_SETUID | 1u << CAP_SETGID |
                               1u << CAP_SYS_CHROOT | 1u << CAP_KILL | 1u << CAP_SETPCAP |
                               1u << CAP_NET_ADMIN;
  return geteuid() == 0 && (data[0].effective & kNeeded) == kNeeded;
}

}  // namespace

// Becomes root of a user namespace in which 0 is the caller.
bool Spawner::BecomeRootless(Failure& failure) {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (!Passes(unshare(CLONE_NEWUSER) == 0, failure, "create user namespace")) return false;
  const bool denied = WriteFileAt(AT_FDCWD, "/proc/self/setgroups", "deny") || errno == ENOENT;
  if (!Passes(denied, failure, "deny setgroups")) return false;
  const std::string uid_map = "0 " + std::to_string(uid) + " 1\n";
  const std::string gid_map = "0 " + std::to_string(gid) + " 1\n";
  if (!Passes(WriteFileAt(AT_FDCWD, "/proc/self/uid_map", uid_map), failure, "write uid_map"))
    return false;
  if (!Passes(WriteFileAt(AT_FDCWD, "/proc/self/gid_map", gid_map), failure, "write gid_map"))
    return false;
  return true;
}

bool Spawner::IsIsolationMet(wire::Isolation required, Failure& failure) const {
  if (required >= wire::Isolation::kLimits && cgroups_.kind() == wire::Cgroups::kNone) {
    return Fail(failure, ENOTSUP,
                rootless_ ? "have the required isolation 'limits': run under `systemd-run --user "
                            "--scope -p Delegate=yes` or as root; cgroups:"
                          : "have the required isolation 'limits': needs a writable cgroup file "
                            "system; cgroups:",
                cgroups_.note().c_str());
  }
  if (required >= wire::Isolation::kUsers && rootless_) {
    return Fail(failure, ENOTSUP,
                "have the required isolation 'users': run as root, so that every sandbox has a "
                "host user of its own");
  }
  return true;
}

// Clocks that began with this engine rather than with the host. One namespace for all instances:
// one each would cost a start some 15 microseconds, and Linux 6.3.
bool Spawner::EnterTimeNamespace(Failure& failure) {
  timespec monotonic{}, boot{};
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  if (unshare(CLONE_NEWTIME) != 0) {
    // Before Linux 5.6, or built without.
    return errno == EINVAL || Fail(failure, errno, "create time namespace");
  }
  const std::string offsets = "monotonic -" + std::to_string(monotonic.tv_sec) + " 0\nboottime -" +
                              std::to_string(boot.tv_sec) + " 0\n";
  const bool set = WriteFileAt(AT_FDCWD, "/proc/self/timens_offsets", offsets);
  if (!Passes(set, failure, "set clock offsets")) return false;
  const UniqueFd space = OpenAt(AT_FDCWD, "/proc/self/ns/time_for_children", O_RDONLY);
  const bool entered = space && setns(space.get(), CLONE_NEWTIME) == 0;
  return Passes(entered, failure, "enter time namespace");
}

bool Spawner::Configure(wire::Answer& answer) {
  const auto config = std::make_unique<wire::Configure>();
  Failure& failure = answer.failure;
  const Received received = ReceiveWithFds(host_, config.get(), sizeof(*config));
  if (received.size != static_cast<ssize_t>(sizeof(*config))) {
    return Fail(failure, EPROTO, "receive configuration");
  }
  if (config->fault_step > 0) {
    void* const shared =
        mmap(nullptr, sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return Fail(failure, errno, "mmap");
    steps_to_fault = new (shared) int32_t(config->fault_step);
  }
  const bool root_powers = HasRootPowers();
  const uid_t uid = geteuid();
  if (config->mode == wire::Mode::kRoot && !root_powers) {
    return Fail(failure, EPERM, "run as root: the process lacks capabilities");
  }
  rootless_ = config->mode == wire::Mode::kRootless || !root_powers;
  answer.mode = rootless_ ? wire::Mode::kRootless : wire::Mode::kRoot;
  // Before the user namespace: what is writable is decided by who we are outside.
  if (!cgroups_.SetUp(config->cgroups, rootless_, failure)) return false;
  answer.cgroups = cgroups_.kind();
  std::strncpy(answer.note, cgroups_.note().c_str(), sizeof(answer.note) - 1);
  if (!IsIsolationMet(config->required, failure)) return false;
  if (rootless_ && !BecomeRootless(failure)) return false;
  if (!EnterTimeNamespace(failure)) return false;
  if (!Passes(unshare(CLONE_NEWNS) == 0, failure, "create mount namespace")) return false;
  // Mounts that the host makes later are seen here; none of ours is seen there.
  const bool slaves = mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0;
  if (!Passes(slaves, failure, "make mounts slaves")) return false;
  int pipe_fds[2];
  if (!Passes(pipe2(pipe_fds, O_CLOEXEC) == 0, failure, "pipe")) return false;
  death_pipe_[0].Reset(pipe_fds[0]);
  death_pipe_[1].Reset(pipe_fds[1]);
  identities_.emplace(rootless_);
  templates_.emplace(config->runtime_dir, rootless_);
  masks_ = FindProcMasks(uid == 0 && rootless_);
  return templates_->Get("", false, failure) >= 0;
}

void Spawner::Run() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  const auto answer = std::make_unique<wire::Answer>();
  const bool configured = Configure(*answer);
  if (SendWithFds(host_, answer.get(), sizeof(*answer), {}) != 0 || !configured) {
    cgroups_.Clear();
    return;
  }
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  const UniqueFd signals(signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK));
  int wait_ms = kIdleMs;
  for (;;) {
    pollfd fds[] = {{host_, POLLIN, 0}, {signals.get(), POLLIN, 0}, {host_process_, POLLIN, 0}};
    const int ready = poll(fds, 3, wait_ms);
    if (ready < 0 && errno != EINTR) break;
    if (ready == 0) {
      const bool more = TopUp();
      const int later_ms = cgroups_.has_busy() ? std::min(2 * wait_ms, kBusyMs) : -1;
      wait_ms = more ? kIdleMs : later_ms;
      continue;
    }
    wait_ms = kIdleMs;
    if (fds[1].revents != 0) {
      signalfd_siginfo drop[16];
      while (read(signals.get(), drop, sizeof(drop)) > 0) {
      }
      Reap();
    }
    if (fds[2].revents != 0) break;
    if (fds[0].revents != 0 && !HandleRequest()) break;
  }
  KillEverything();
}

bool Spawner::TopUp() {
  if (steps_to_fault != nullptr) return false;  // every start takes all steps
  // One of each, then listen again.
  const bool identity = identities_->TopUp();
  const bool network = networks_.TopUp();
  const bool cgroup = cgroups_.TopUp();
  return identity || network || cgroup;
}

bool Spawner::HandleRequest() {
  static wire::Start start;  // large
  const Received received = ReceiveWithFds(host_, &start, sizeof(start));
  if (received.size <= 0) return false;
  if (start.request == wire::Request::kRelease) {
    wire::Release release;
    std::memcpy(static_cast<void*>(&release), &start, sizeof(release));
    HandleRelease(release.id);
  } else {
    HandleStart(start, received);
  }
  for (size_t i = 0; i < received.fd_count; ++i) close(received.fds[i]);
  return true;
}

void Spawner::HandleStart(const wire::Start& start, const Received& received) {
  wire::Answer answer;
  Entry entry;
  entry.id = start.id;
  entry.domain = start.trust_domain;
  UniqueFd tmp;
  const bool started = Start(start, {received.fds, received.fd_count}, entry, tmp, answer.failure);
  std::vector<int> fds;
  if (started) {
    answer.pid = entry.pid;
    fds = {entry.pidfd.get(), tmp.get()};
    if (entry.cgroup) {
      answer.has_cgroup = 1;
      // A file that this kernel lacks is stood in for by the pidfd, whose reads fail.
      for (size_t i = wire::kFreezeFd; i < wire::kStartedFdCount; ++i) {
        const int fd = entry.cgroup->files[i].get();
        fds.push_back(fd >= 0 ? fd : entry.pidfd.get());
      }
    }
  } else {
    entry.dead = entry.released = true;
  }
  answer.fd_count = static_cast<uint32_t>(fds.size());
  (void)SendWithFds(host_, &answer, sizeof(answer), fds);
  const uint64_t id = entry.id;
  if (started) running_[entry.pid] = id;
  instances_.insert_or_assign(id, std::move(entry));
  if (!started) Bury(id);
}

// A /tmp with its output directory, mounted nowhere yet.
UniqueFd Spawner::MakeTmp(const wire::Start& start, uid_t owner, Failure& failure) {
  const std::string size = std::to_string(start.tmp_size);
  const std::string inodes = std::to_string(start.tmp_inodes);
  const MountOption options[] = {
      {"size", size.c_str()}, {"nr_inodes", inodes.c_str()}, {"mode", "1777"}};
  UniqueFd tmp(MakeMount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (!Passes(static_cast<bool>(tmp), failure, "make /tmp")) return {};
  const bool made = mkdirat(tmp.get(), wire::kOutputName, 0700) == 0 &&
                    fchownat(tmp.get(), wire::kOutputName, owner, owner, AT_SYMLINK_NOFOLLOW) == 0;
  if (!Passes(made, failure, "make the output directory")) return {};
  return tmp;
}

bool Spawner::Start(const wire::Start& start, std::span<const int> fds, Entry& entry, UniqueFd& tmp,
                    Failure& failure) {
  if (fds.size() != wire::kStartFdCount) return Fail(failure, EPROTO, "receive descriptors");
  LaunchPlan plan;
  plan.frames = start.frames != 0;
  plan.input = fds[wire::kInput];
  plan.output = fds[wire::kOutput];
  plan.log = fds[wire::kLog];
  plan.control = fds[wire::kControl];
  plan.launch = fds[wire::kLaunch];
  plan.init = init_;
  plan.filter = cgroups_.kind() == wire::Cgroups::kNone ? filter_without_cgroups_ : filter_;
  plan.masks = &masks_;
  plan.rootless = rootless_;
  plan.max_open_files = start.max_open_files;
  plan.death_pipe_read = death_pipe_[0].get();
  plan.death_pipe_write = death_pipe_[1].get();

  plan.mount_template = templates_->Get(start.root, start.host_network != 0, failure);
  if (plan.mount_template < 0) return false;
  const UniqueFd code(open_tree(AT_FDCWD, start.code_dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!Passes(static_cast<bool>(code), failure, "open code directory", start.code_dir)) {
    return false;
  }
  constexpr auto kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (!Passes(Restrict(code.get(), kAttributes, false), failure, "make code read-only")) {
    return false;
  }
  plan.code_tree = code.get();
  entry.identity = identities_->Take(failure);
  if (!entry.identity) return false;
  plan.user_namespace = entry.identity->user_namespace.get();
  tmp = MakeTmp(start, entry.identity->outer_id, failure);
  if (!tmp) return false;
  plan.tmp_tree = tmp.get();
  if (start.host_network == 0) {
    entry.network = networks_.Take(entry.domain, failure);
    if (!entry.network) return false;
    plan.network_namespace = entry.network->get();
  }
  std::vector<int> tasks;
  if (cgroups_.kind() != wire::Cgroups::kNone) {
    // One more process: the init.
    entry.cgroup =
        cgroups_.Take({start.memory, start.cpu_quota_us, start.max_processes + 1}, failure);
    if (!entry.cgroup) return false;
    for (const UniqueFd& fd : entry.cgroup->tasks) tasks.push_back(fd.get());
    plan.cgroup_tasks = tasks;
    plan.cgroup_directory = entry.cgroup->directory.get();
  } else if (start.cpu_quota_us != 0) {
    return Fail(failure, ENOTSUP, "limit cpu without cgroups:", cgroups_.note().c_str());
  } else {
    // A backstop: the host watches, but must get the chance to see more than are allowed.
    plan.max_processes = 2 * start.max_processes + 32;
  }
  if (!rootless_) {
    // So that /dev/stdout can be opened again: the pipes belong to the instance.
    for (const int fd : {plan.input, plan.output, plan.log}) {
      struct stat info;
      if (fd < 0 || fstat(fd, &info) != 0 || !S_ISFIFO(info.st_mode)) continue;
      (void)!fchown(fd, entry.identity->outer_id, entry.identity->outer_id);
    }
  }
  Launched launched;
  if (!Launch(plan, launched, failure)) return false;
  entry.pid = launched.pid;
  entry.pidfd.Reset(launched.pidfd);
  return true;
}

void Spawner::HandleRelease(uint64_t id) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return;
  Entry& entry = found->second;
  entry.released = true;
  if (!entry.dead) Kill(entry);  // a host that was short of descriptors could not
  Bury(id);
}

void Spawner::Reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto found = running_.find(pid);
    if (found == running_.end()) continue;
    const uint64_t id = found->second;
    running_.erase(found);
    instances_.at(id).dead = true;
    Bury(id);
  }
}

// Gives back what an instance had: identity and network when it is dead, the cgroup, whose figures
// the host may still want, when it is released too.
void Spawner::Bury(uint64_t id) {
  Entry& entry = instances_.at(id);
  if (!entry.dead) return;
  if (entry.identity) {
    identities_->Return(std::move(*entry.identity));
    entry.identity.reset();
  }
  if (entry.network) {
    networks_.Return(entry.domain, std::move(*entry.network));
    entry.network.reset();
  }
  if (!entry.released) return;
  if (entry.cgroup) cgroups_.Remove(std::move(*entry.cgroup));
  instances_.erase(id);
}

void Spawner::Kill(const Entry& entry) {
  // On cgroup v1 a frozen process does not even die.
  if (entry.cgroup) {
    const int freeze = entry.cgroup->files[wire::kFreezeFd].get();
    if (freeze >= 0) {
      (void)WriteFd(freeze, cgroups_.kind() == wire::Cgroups::kV1 ? "THAWED" : "0");
    }
  }
  if (!entry.dead) kill(entry.pid, SIGKILL);
}

void Spawner::KillEverything() {
  for (auto& [id, entry] : instances_) Kill(entry);
  for (auto& [id, entry] : instances_) {
    if (!entry.dead) waitpid(entry.pid, nullptr, 0);
    if (entry.cgroup) cgroups_.Remove(std::move(*entry.cgroup));
  }
  instances_.clear();
  cgroups_.Clear();
}

}  // namespace nanogrid::spawner
