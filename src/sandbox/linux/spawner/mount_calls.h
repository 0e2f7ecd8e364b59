// Thin names over the mount API of Linux 5.2 and 5.12 (fsopen(2), open_tree(2), move_mount(2),
// mount_setattr(2)). Async-signal-safe.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <span>

namespace nanogrid::spawner {

// What is at `path` below the directory `base`; the way there may not leave it nor have any link.
// -1 with errno.
inline int OpenTarget(int base, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, base, path, &how, sizeof(how)));
}

// Attaches a detached tree where OpenTarget finds `path`. 0, or -1 with errno.
inline int MoveMount(int tree, int base, const char* path) {
  const int target = OpenTarget(base, path);
  if (target < 0) return -1;
  const int result =
      move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  const int error = errno;
  close(target);
  errno = error;
  return result;
}

struct MountOption {
  const char* key;
  const char* value;
};

// A new file system, mounted nowhere yet. -1 with errno.
inline int MakeMount(const char* type, std::span<const MountOption> options, unsigned attributes) {
  const int context = fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  int result = 0;
  for (const MountOption& option : options) {
    if (result == 0) result = fsconfig(context, FSCONFIG_SET_STRING, option.key, option.value, 0);
  }
  if (result == 0) result = fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result == 0) result = fsmount(context, FSMOUNT_CLOEXEC, attributes);
  const int error = errno;
  close(context);
  errno = error;
  return result;
}

// Adds attributes (MOUNT_ATTR_*) to a mount, or to it and all below. Never takes one away: in a
// user namespace the inherited ones are locked.
inline bool Restrict(int mount, unsigned long long attributes, bool recursive) {
  mount_attr change{};
  change.attr_set = attributes;
  return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &change,
                       sizeof(change)) == 0;
}

}  // namespace nanogrid::spawner
