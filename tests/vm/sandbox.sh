#!/usr/bin/env bash
# In the guest: the Linux sandbox's tests and the hostile programs on cgroup v2, as root, as root in
# a group that was delegated (systemd's Delegate=yes), as an ordinary user to whom one was, and as
# one without.
#   sandbox.sh DIRECTORY_OF_TESTS [MODE[/PROGRAM]…]
# The last line counts what passed by mode.
set -u
directory=$1
shift
wanted=${*:-root delegated-root delegated-user user}
user=65534
limit=1800  # seconds for one program, several times what it needs when nobody else uses the machine
here=$(cd "$(dirname "$0")" && pwd)
results=$(mktemp -d /tmp/results-XXXXXX)
chmod 1777 "$results"
echo "+memory +pids +cpu" > /sys/fs/cgroup/cgroup.subtree_control

# program MODE PROGRAM FILTER [PREFIX…]: its counts are in $results/MODE/PROGRAM.json.
program() {
  local mode=$1 name=$2 filter=$3 code=0
  shift 3
  [ -z "$only" ] || [ "$only" = "$name" ] || return 0
  printf -- '-- %s: %s (%s s)\n' "$mode" "$name" $SECONDS
  mkdir -p -m 1777 "$results/$mode" "$results/acts"
  : > "$results/$mode/$name.json"
  chmod 666 "$results/$mode/$name.json"
  NANOGRID_TESTCASES_TABLE="$results/acts/$mode" timeout -k 10 $limit \
    "$@" "$directory/test_$name" --gtest_brief=1 --gtest_filter="$filter" \
    --gtest_output="json:$results/$mode/$name.json" 2>&1 |
    tee "$results/$mode/$name.log" | grep --line-buffered -v '^Running main'
  code=${PIPESTATUS[0]}
  case $code in
    0 | 1) ;;
    124 | 137) echo "$mode: $name did not end within $limit s" ;;
    *) echo "$mode: $name ended with exit code $code" ;;
  esac
}

# all MODE INSTANCES POLICY ACTS [PREFIX…]: every program, and of its parameters what fits the mode;
# the others would only be skipped.
all() {
  local mode=$1 instances=$2 policy=$3 acts=$4
  shift 4
  program "$mode" linux_sandbox "$instances" "$@"
  program "$mode" linux_sandbox_conformance "$instances" "$@"
  program "$mode" linux_sandbox_soak "$instances" "$@"
  program "$mode" seccomp_policy "$policy" "$@"
  program "$mode" testcases "$acts" "$@"
}
as_user() { all "$1" '-*/Root:*/RootWithoutCgroups' '*/ordinary_user:PolicyData.*' 'Rootless/*' \
  setpriv --reuid=$user --regid=$user --clear-groups --; }

# As systemd delegates: marked by an attribute, and for a user the files are given away.
delegate() {
  local path=/sys/fs/cgroup/$1 unit=unit-$BASHPID
  mkdir -p "$path/$unit"
  echo "+memory +pids +cpu" > "$path/cgroup.subtree_control"
  /usr/bin/python3 -c "import os; os.setxattr('$path/$unit', 'user.delegate', b'1')"
  [ "$1" = system ] || chown -R $user:$user "$path"
  echo "$BASHPID" > "$path/$unit/cgroup.procs" && return
  echo "$1: cannot enter $path/$unit"
  touch "$results/left"
  exit 1
}

echo "$(uname -r), cgroup v2: $(cat /sys/fs/cgroup/cgroup.controllers)"
for each in $wanted; do
  mode=${each%%/*} only=${each#"${each%%/*}"}
  only=${only#/}
  printf '\n==== %s\n' "$each"
  case $mode in
    root) all root '*' '-*/docker' '-Docker/*' ;;
    delegated-root) (delegate system; all "$mode" '*/Root' '*/root' 'Root/*') ;;
    delegated-user) (delegate user; as_user "$mode") ;;
    user) as_user user ;;
    *) echo "no such mode: $mode"; exit 2 ;;
  esac
done

printf '\n==== left behind\n'
left=$(find /sys/fs/cgroup -name 'nanogrid-*' -not -name nanogrid-host)
echo "${left:-nothing}"
[ -z "$left" ] || touch "$results/left"
/usr/bin/python3 "$here/counts.py" "$results"
