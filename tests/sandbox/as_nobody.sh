#!/bin/sh
# Runs the sandbox tests as a user without any privilege, from a copy that such a user can read.
#   as_nobody.sh TEST_PROGRAM DIRECTORY_OF_PROGRAMS [ARGUMENT...]
# Exits with 77 where that cannot be tried.
set -eu
test_program=$1 programs=$2
shift 2
[ "$(id -u)" = 0 ] || { echo "skipped: needs root, to become nobody"; exit 77; }
command -v setpriv >/dev/null || { echo "skipped: needs setpriv (util-linux)"; exit 77; }

directory=$(mktemp -d /tmp/nanogrid-test-XXXXXX)
trap 'rm -rf "$directory"' EXIT INT TERM
chmod 755 "$directory"
cp -r "$programs" "$directory/programs"
cp "$(dirname "$programs")/sandbox_host" "$directory/sandbox_host"
cp "$test_program" "$directory/test"
mkdir -m 1777 "$directory/tmp"
cd /
# Not exec: the trap cleans up.
env NANOGRID_TEST_PROGRAMS="$directory/programs" TEST_TMPDIR="$directory/tmp" TMPDIR="$directory/tmp" \
  setpriv --reuid=65534 --regid=65534 --clear-groups \
  "$directory/test" "$@"
