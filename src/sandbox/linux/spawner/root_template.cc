#include "sandbox/linux/spawner/root_template.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <string>

#include "sandbox/linux/spawner/files.h"
#include "sandbox/linux/spawner/mount_calls.h"

namespace nanogrid::spawner {
namespace {

// Where the tree is put together; any directory that exists everywhere.
constexpr char kStage[] = "/tmp";

constexpr char kPasswd[] =
    "root:x:0:0:root:/:/usr/sbin/nologin\n"
    "sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
constexpr char kGroup[] = "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n";
constexpr char kHosts[] = "127.0.0.1 localhost nanogrid\n::1 localhost ip6-localhost\n";
constexpr char kNsswitch[] = "passwd: files\ngroup: files\nhosts: files dns\n";

// Builds one tree; runs in a process of its own, in a new mount namespace.
class Builder {
 public:
  Builder(const std::string& root, const std::string& runtime_dir, bool host_network, bool rootless,
          Failure& failure)
      : root_(root),
        runtime_dir_(runtime_dir),
        host_network_(host_network),
        rootless_(rootless),
        failure_(failure) {}

  bool Build() {
    const bool is_private = mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!Passes(is_private, failure_, "make mounts private")) return false;
    // Sources are opened before the stage hides anything.
    UniqueFd runtime, host_proc;
    if (!runtime_dir_.empty() && !Open(runtime_dir_.c_str(), runtime)) return false;
    if (rootless_ && !Open("/proc", host_proc)) return false;
    if (root_.empty() ? !StageHostRoot() : !StageGivenRoot()) return false;
    if (!StageDevices()) return false;
    if (runtime && !Attach(runtime, "var/runtime")) return false;
    if (host_proc && !Attach(host_proc, kHostProc + 1)) return false;
    return Enter();
  }

 private:
  bool Step(bool done, const char* step, const char* detail = nullptr) {
    return Passes(done, failure_, step, detail);
  }

  // A detached copy of what is mounted at and below `path`.
  static UniqueFd Source(const char* path) {
    return UniqueFd(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  }
  bool Open(const char* path, UniqueFd& tree) {
    tree = Source(path);
    return Step(static_cast<bool>(tree), "open", path);
  }
  // Read-only, no devices, no set-user-id, at a path below the stage.
  bool Attach(const UniqueFd& tree, const char* path) {
    constexpr auto kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    return Step(Restrict(tree.get(), kAttributes, true), "make read-only", path) &&
           Step(MoveMount(tree.get(), stage_.get(), path) == 0, "bind", path);
  }
  bool Directory(const char* path) {
    return Step(mkdirat(stage_.get(), path, 0755) == 0 || errno == EEXIST, "mkdir", path);
  }
  bool Directories(std::initializer_list<const char*> paths) {
    for (const char* path : paths) {
      if (!Directory(path)) return false;
    }
    return true;
  }
  bool File(const char* path, std::string_view content) {
    const UniqueFd fd(
        openat(stage_.get(), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    return Step(fd && WriteFd(fd.get(), content), "write", path);
  }
  // A host file's content, if there is one.
  bool CopyFile(const char* host_path, const char* path) {
    const std::string content = ReadFileAt(AT_FDCWD, host_path);
    return content.empty() || File(path, content);
  }
  bool Link(const char* target, const char* path) {
    return Step(symlinkat(target, stage_.get(), path) == 0, "symlink", path);
  }
  // Where the tree is put together.
  bool Stage(const char* options) {
    const bool mounted = mount("tmpfs", kStage, "tmpfs", MS_NOSUID | MS_NOEXEC, options) == 0;
    return Step(mounted, "mount tmpfs on", kStage) && OpenStage();
  }
  bool OpenStage() {
    stage_ = OpenAt(AT_FDCWD, kStage, O_PATH | O_DIRECTORY);
    return Step(static_cast<bool>(stage_), "open", kStage);
  }

  bool StageHostRoot();
  bool StageEtc();
  bool StageGivenRoot();
  bool StageDevices();
  bool Enter();

  const std::string& root_;
  const std::string& runtime_dir_;
  bool host_network_;
  bool rootless_;
  Failure& failure_;
  UniqueFd stage_;
};

bool Builder::StageHostRoot() {
  struct Entry {
    const char* name;
    UniqueFd tree;
    std::string link;
  };
  std::vector<Entry> entries;
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    struct stat info;
    if (lstat(path, &info) != 0) continue;
    Entry entry{path + 1, UniqueFd(), {}};
    if (S_ISLNK(info.st_mode)) {
      char target[256] = {};
      if (!Step(readlink(path, target, sizeof(target) - 1) > 0, "read link", path)) return false;
      entry.link = target;
    } else {
      if (!Open(path, entry.tree)) return false;
    }
    entries.push_back(std::move(entry));
  }
  const UniqueFd certificates = Source("/etc/ssl/certs");
  const UniqueFd alternatives = Source("/etc/alternatives");
  const UniqueFd pki = Source("/etc/pki/ca-trust/extracted");

  if (!Stage("size=8m,nr_inodes=512,mode=0755")) return false;
  for (const Entry& entry : entries) {
    if (!entry.link.empty()) {
      if (!Link(entry.link.c_str(), entry.name)) return false;
    } else if (!Directory(entry.name) || !Attach(entry.tree, entry.name)) {
      return false;
    }
  }
  if (!Directories({"dev", "proc", "sys", "tmp", "run", "var", "var/task", "var/runtime", "etc",
                    "etc/ssl"}) ||
      !Link("/tmp", "var/tmp") || !StageEtc()) {
    return false;
  }
  if (certificates && (!Directory("etc/ssl/certs") || !Attach(certificates, "etc/ssl/certs"))) {
    return false;
  }
  if (alternatives &&
      (!Directory("etc/alternatives") || !Attach(alternatives, "etc/alternatives"))) {
    return false;
  }
  if (pki && (!Directories({"etc/pki", "etc/pki/ca-trust", "etc/pki/ca-trust/extracted"}) ||
              !Attach(pki, "etc/pki/ca-trust/extracted"))) {
    return false;
  }
  return !rootless_ || Directory(kHostProc + 1);
}

bool Builder::StageEtc() {
  return File("etc/passwd", kPasswd) && File("etc/group", kGroup) && File("etc/hosts", kHosts) &&
         File("etc/nsswitch.conf", kNsswitch) && File("etc/hostname", "nanogrid\n") &&
         CopyFile("/etc/ld.so.cache", "etc/ld.so.cache") &&
         CopyFile("/etc/ssl/openssl.cnf", "etc/ssl/openssl.cnf") &&
         CopyFile("/etc/services", "etc/services") && CopyFile("/etc/protocols", "etc/protocols") &&
         CopyFile("/etc/mime.types", "etc/mime.types") &&
         (!host_network_ || CopyFile("/etc/resolv.conf", "etc/resolv.conf")) &&
         Link("/usr/share/zoneinfo/UTC", "etc/localtime");
}

// A given root directory, read-only, under a skeleton that has the mount points it may lack.
bool Builder::StageGivenRoot() {
  UniqueFd root;
  if (!Open(root_.c_str(), root) || !Stage("size=4m,nr_inodes=64,mode=0755")) return false;
  if (!Directories({"lower", "merged", "skeleton", "skeleton/dev", "skeleton/proc", "skeleton/sys",
                    "skeleton/tmp", "skeleton/var", "skeleton/var/task", "skeleton/var/runtime"}) ||
      (rootless_ && !Directory((std::string("skeleton") + kHostProc).c_str()))) {
    return false;
  }
  if (!Step(MoveMount(root.get(), stage_.get(), "lower") == 0, "bind root", root_.c_str())) {
    return false;
  }
  // What the given directory has in the places of the skeleton, links above all, the skeleton
  // hides; and overlayfs is not to heed marks that it may carry.
  const std::string stage = kStage, merged = stage + "/merged";
  const std::string options =
      "lowerdir=" + stage + "/skeleton:" + stage + "/lower,redirect_dir=nofollow,metacopy=off";
  const bool mounted = mount("overlay", merged.c_str(), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV,
                             options.c_str()) == 0;
  if (!Step(mounted, "overlay root", root_.c_str())) return false;
  const UniqueFd tree(open_tree(AT_FDCWD, merged.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  return Step(tree && MoveMount(tree.get(), stage_.get(), ".") == 0, "move root", root_.c_str()) &&
         OpenStage();
}

bool Builder::StageDevices() {
  struct Device {
    const char* name;
    unsigned minor;
    UniqueFd tree;
  };
  Device devices[] = {
      {"null", 3, {}}, {"zero", 5, {}}, {"full", 7, {}}, {"random", 8, {}}, {"urandom", 9, {}}};
  for (Device& device : devices) {
    const std::string path = std::string("/dev/") + device.name;
    if (!Open(path.c_str(), device.tree)) return false;
  }
  const MountOption options[] = {{"size", "64k"}, {"nr_inodes", "32"}, {"mode", "0755"}};
  const UniqueFd dev(MakeMount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  if (!Step(dev && MoveMount(dev.get(), stage_.get(), "dev") == 0, "mount /dev")) return false;
  for (const Device& device : devices) {
    const std::string path = std::string("dev/") + device.name;
    // Nodes of our own where that is allowed: five mounts fewer to copy at each start.
    if (!rootless_ &&
        mknodat(stage_.get(), path.c_str(), S_IFCHR | 0666, makedev(1, device.minor)) == 0) {
      (void)fchmodat(stage_.get(), path.c_str(), 0666, 0);
      continue;
    }
    if (!File(path.c_str(), "")) return false;
    // Read-only: that closes the host's node to chmod and the like, not the device to writing.
    constexpr auto kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    if (!Step(Restrict(device.tree.get(), kAttributes, false) &&
                  MoveMount(device.tree.get(), stage_.get(), path.c_str()) == 0,
              "bind", path.c_str())) {
      return false;
    }
  }
  if (!Link("/proc/self/fd", "dev/fd") || !Link("/proc/self/fd/0", "dev/stdin") ||
      !Link("/proc/self/fd/1", "dev/stdout") || !Link("/proc/self/fd/2", "dev/stderr") ||
      !Link("/tmp", "dev/shm")) {
    return false;
  }
  return Step(Restrict(dev.get(), MOUNT_ATTR_RDONLY, false), "make read-only /dev");
}

// Makes the stage the root of this mount namespace and drops the host's tree.
bool Builder::Enter() {
  constexpr auto kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  return Step(Restrict(stage_.get(), kAttributes, false), "make root read-only") &&
         Step(fchdir(stage_.get()) == 0, "enter root") &&
         Step(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root") &&
         Step(umount2(".", MNT_DETACH) == 0, "detach the host's root") &&
         Step(chdir("/") == 0, "chdir /");
}

}  // namespace

int RootTemplates::Get(const std::string& root, bool host_network, Failure& failure) {
  const std::string key = (host_network ? "h" : "n") + root;
  if (const auto found = templates_.find(key); found != templates_.end()) {
    return found->second.get();
  }
  // The builder reports through shared memory, then waits until its namespace has been opened.
  void* const shared =
      mmap(nullptr, sizeof(Failure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!Passes(shared != MAP_FAILED, failure, "mmap")) return -1;
  auto* const report = new (shared) Failure();
  UniqueFd space = Build(root, host_network, *report);
  if (!space) {
    Fail(failure, report->error != 0 ? report->error : errno,
         report->error != 0 ? report->step : "build root");
  }
  munmap(shared, sizeof(Failure));
  if (!space) return -1;
  return templates_.emplace(key, std::move(space)).first->second.get();
}

UniqueFd RootTemplates::Build(const std::string& root, bool host_network, Failure& report) const {
  int done[2], hold[2];
  if (pipe2(done, O_CLOEXEC) != 0) return {};
  const UniqueFd done_read(done[0]);
  UniqueFd done_write(done[1]);
  if (pipe2(hold, O_CLOEXEC) != 0) return {};
  UniqueFd hold_read(hold[0]);
  const UniqueFd hold_write(hold[1]);
  const pid_t pid = fork();
  if (pid < 0) return {};
  if (pid == 0) {
    close(hold[1]);
    prctl(PR_SET_DUMPABLE, 1);
    Builder builder(root, runtime_dir_, host_network, rootless_, report);
    const bool built =
        Passes(unshare(CLONE_NEWNS) == 0, report, "create mount namespace") && builder.Build();
    (void)!write(done[1], built ? "1" : "0", 1);
    char end;
    (void)!read(hold[0], &end, 1);  // until the spawner kills us, or is gone itself
    _exit(0);
  }
  done_write.Reset();
  hold_read.Reset();
  char built = '0';
  int error = read(done_read.get(), &built, 1) == 1 ? 0 : ECHILD;
  UniqueFd space;
  if (built == '1') {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/mnt";
    space = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY);
    error = errno;
    if (!Passes(static_cast<bool>(space), report, "open mount namespace")) space.Reset();
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  errno = error;
  return space;
}

ProcMasks FindProcMasks(bool also_private) {
  ProcMasks masks;
  for (const char* name :
       {"cmdline",     "config.gz", "interrupts",  "kallsyms",      "kcore",      "keys",
        "key-users",   "kmsg",      "kpagecgroup", "kpagecount",    "kpageflags", "latency_stats",
        "modules",     "mtrr",      "sched_debug", "sysrq-trigger", "timer_list", "timer_stats",
        "vmallocinfo", "diskstats", "locks",       "partitions",    "softirqs",   "swaps",
        "slabinfo",    "iomem",     "ioports",     "pagetypeinfo",  "allocinfo",  "vmcore"}) {
    const std::string path = std::string("/proc/") + name;
    struct stat info;
    if (stat(path.c_str(), &info) != 0) continue;
    if ((info.st_mode & 0004) == 0 && !also_private) continue;
    masks.files.push_back(path);
  }
  for (const char* name : {"acpi", "asound", "bus", "driver", "fs", "irq", "scsi", "tty"}) {
    const std::string path = std::string("/proc/") + name;
    struct stat info;
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) masks.directories.push_back(path);
  }
  return masks;
}

}  // namespace nanogrid::spawner
