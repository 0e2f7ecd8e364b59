#!/bin/sh
# Runs the sandbox tests as a user without any privilege, from a copy that such a user can read.
#   as_nobody.sh TEST_PROGRAM DIRECTORY_OF_PROGRAMS [ARGUMENT...]
# A table that NANOGRID_TESTCASES_TABLE asks for is fetched from there.
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
host=$(dirname "$programs")/sandbox_host
[ ! -e "$host" ] || cp "$host" "$directory/sandbox_host"
cp "$test_program" "$directory/test"
mkdir -m 1777 "$directory/tmp"
cd /
table=${NANOGRID_TESTCASES_TABLE:-}
[ -z "$table" ] || export NANOGRID_TESTCASES_TABLE="$directory/tmp/table"
ended=0
# Not exec: the trap cleans up.
env NANOGRID_TEST_PROGRAMS="$directory/programs" TEST_TMPDIR="$directory/tmp" TMPDIR="$directory/tmp" \
  setpriv --reuid=65534 --regid=65534 --clear-groups \
  "$directory/test" "$@" || ended=$?
[ -z "$table" ] || cp "$directory/tmp/table" "$table" || ended=1
exit $ended
