#!/usr/bin/env bash
# In the guest: the Linux sandbox's tests on cgroup v2, as root, as an ordinary user to whom a cgroup
# was delegated (as `systemd-run --user --scope -p Delegate=yes` does), and as one without.
#   sandbox.sh TEST_PROGRAM [GTEST_FLAG…]
set -u
program=$1
shift
user=65534

section() { printf '\n==== %s\n' "$*"; }
failed=0
run() { "$@" || failed=1; }
# The tests that need root would only be skipped.
rootless="--gtest_filter=-*/Root:*/RootWithoutCgroups"
as_user() { setpriv --reuid=$user --regid=$user --clear-groups -- "$@"; }

section "$(uname -r), cgroup v2: $(cat /sys/fs/cgroup/cgroup.controllers)"
section "as root"
run "$program" --gtest_brief=1 "$@"

section "as an ordinary user with a delegated cgroup"
echo "+memory +pids +cpu" > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/user
chown -R $user:$user /sys/fs/cgroup/user
echo "+memory +pids +cpu" > /sys/fs/cgroup/user/cgroup.subtree_control
mkdir /sys/fs/cgroup/user/scope
chown -R $user:$user /sys/fs/cgroup/user/scope
(
  echo $BASHPID > /sys/fs/cgroup/user/scope/cgroup.procs
  as_user "$program" --gtest_brief=1 "$rootless" "$@"
) || failed=1

section "as an ordinary user without"
run as_user "$program" --gtest_brief=1 "$rootless" "$@"

section "left behind"
left=$(find /sys/fs/cgroup -name 'nanogrid-[0-9a-f]*')
[ -z "$left" ] || { echo "cgroups: $left"; failed=1; }
exit $failed
