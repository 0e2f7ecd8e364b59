// Thin names over the mount API of Linux 5.2 and 5.12 (open_tree(2), move_mount(2),
// mount_setattr(2)).
#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace nanogrid::spawner {

// Attaches a detached tree. 0, or -1 with errno.
inline int MoveMount(int tree, int to_dir, const char* to_path) {
  return move_mount(tree, "", to_dir, to_path, MOVE_MOUNT_F_EMPTY_PATH);
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
