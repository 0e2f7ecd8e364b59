#!/bin/sh
# The table of acts and modes, from a build that exists: tests/testcases/run.sh [BUILD_DIRECTORY]
set -u
build=$(realpath "${1:-$(dirname "$0")/../../build/dev}")
results=$build/tests/testcases/results
rm -f "$results"/*
ctest --test-dir "$build" -R '^testcases\.' --output-on-failure -j "$(nproc)" -E '\.Table$'
exec "$(dirname "$0")/table.py" "$results" "$results.md"
