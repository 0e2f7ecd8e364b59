#!/usr/bin/env bash
# In the guest: the Linux sandbox's tests on cgroup v2, as root, as root in a group that was delegated
# (as `systemd-run --scope -p Delegate=yes` does), as an ordinary user to whom one was, and as one without.
#   sandbox.sh DIRECTORY_OF_TESTS [GTEST_FLAG…]
set -u
directory=$1
shift
programs="$directory/test_linux_sandbox $directory/test_linux_sandbox_conformance $directory/test_linux_sandbox_soak"
user=65534

section() { printf '\n==== %s\n' "$*"; }
failed=0
run_all() {  # PREFIX… -- GTEST_FLAG…: each of the programs
  local prefix=() program
  while [ "$1" != -- ]; do prefix+=("$1"); shift; done
  shift
  for program in $programs; do
    "${prefix[@]}" "$program" --gtest_brief=1 "$@" || failed=1
  done
}
# The tests that need root would only be skipped.
rootless="--gtest_filter=-*/Root:*/RootWithoutCgroups"
as_user() { setpriv --reuid=$user --regid=$user --clear-groups -- "$@"; }

section "$(uname -r), cgroup v2: $(cat /sys/fs/cgroup/cgroup.controllers)"
section "as root"
run_all -- "$@"

section "as root in a delegated group"
mkdir -p /sys/fs/cgroup/system/unit
/usr/bin/python3 -c 'import os; os.setxattr("/sys/fs/cgroup/system/unit", "user.delegate", b"1")'
echo "+memory +pids +cpu" > /sys/fs/cgroup/cgroup.subtree_control
echo "+memory +pids +cpu" > /sys/fs/cgroup/system/cgroup.subtree_control
(
  echo $BASHPID > /sys/fs/cgroup/system/unit/cgroup.procs
  failed=0
  run_all -- --gtest_filter='*Delegated*:*TheControlGroupsOf*:*AMemoryHog*'
  exit $failed
) || failed=1

section "as an ordinary user with a delegated cgroup"
echo "+memory +pids +cpu" > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/user
chown -R $user:$user /sys/fs/cgroup/user
echo "+memory +pids +cpu" > /sys/fs/cgroup/user/cgroup.subtree_control
mkdir /sys/fs/cgroup/user/scope
chown -R $user:$user /sys/fs/cgroup/user/scope
(
  echo $BASHPID > /sys/fs/cgroup/user/scope/cgroup.procs
  failed=0
  run_all as_user -- "$rootless" "$@"
  exit $failed
) || failed=1

section "as an ordinary user without"
run_all as_user -- "$rootless" "$@"

section "left behind"
left=$(find /sys/fs/cgroup -name 'nanogrid-[0-9a-f]*')
[ -z "$left" ] || { echo "cgroups: $left"; failed=1; }
exit $failed
