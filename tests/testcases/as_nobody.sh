#!/bin/sh
# Runs the acts as a user without any privilege, from a copy that such a user can read.
#   as_nobody.sh TEST_PROGRAM DIRECTORY_OF_ACTS TABLE
# Exits with 77 where that cannot be tried.
set -eu
test_program=$1 acts=$2 table=$3
[ "$(id -u)" = 0 ] || { echo "skipped: needs root, to become nobody"; exit 77; }
command -v setpriv >/dev/null || { echo "skipped: needs setpriv (util-linux)"; exit 77; }

directory=$(mktemp -d /tmp/nanogrid-test-XXXXXX)
trap 'rm -rf "$directory"' EXIT INT TERM
chmod 755 "$directory"
cp -r "$acts" "$directory/acts"
cp "$test_program" "$directory/test"
mkdir -m 1777 "$directory/tmp"
cd /
ended=0
env NANOGRID_TEST_PROGRAMS="$directory/acts" TEST_TMPDIR="$directory/tmp" TMPDIR="$directory/tmp" \
  NANOGRID_TESTCASES_TABLE="$directory/tmp/table" \
  setpriv --reuid=65534 --regid=65534 --clear-groups \
  "$directory/test" --gtest_brief=1 '--gtest_filter=Rootless/*' || ended=$?
cp "$directory/tmp/table" "$table" || ended=1
exit $ended
