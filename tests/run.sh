#!/bin/bash
# The test suite: tests/run.sh [--quick|--full|--vm] [PRESET…]
#   (default)  dev and asan, consumer projects included
#   --quick    dev only
#   --full     also tsan, clang, fuzz (each target for a short while), tidy, and vm: the sandbox's
#              tests and the hostile programs of the dev build in a guest with cgroup v2
#   --vm       dev, and vm
# The last line is "N passed, N failed, N skipped"; what failed and what was skipped is above it.
set -uo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,8s/^# \?//p' "$0"; }
presets=()
for argument in "$@"; do
  case $argument in
    --quick) presets+=(dev) ;;
    --full) presets+=(dev asan tsan clang fuzz tidy vm) ;;
    --vm) presets+=(dev vm) ;;
    --help) usage; exit ;;
    -*) usage >&2; exit 2 ;;
    *) presets+=("$argument") ;;
  esac
done
[[ ${#presets[@]} == 0 ]] && presets=(dev asan)

packages=(build example test)
[[ " ${presets[*]} " =~ \ (clang|fuzz|tidy)\  ]] && packages+=(full)
[[ " ${presets[*]} " =~ \ vm\  ]] && packages+=(vm)
cmake/install-packages.sh "${packages[@]}" || exit 1
tests/npm/install.sh
# What cannot be installed leaves skipped tests with the reason.
cmake/install-moto.sh "$PWD/build/moto"
PATH=$PWD/build/moto/bin:$PATH

jobs=$(nproc)
results=()  # for summary.py: PRESET=junit.xml, or PRESET:STEP:passed|failed

# step PRESET NAME COMMAND…: runs a command whose failure counts as one failed test.
step() {
  local preset=$1 name=$2
  shift 2
  "$@" && return
  results+=("$preset:$name:failed")
  return 1
}

fuzz_for_a_while() {
  local target corpus name
  for target in build/fuzz/tests/fuzz_*; do
    [[ -x $target && -f $target ]] || continue
    name=${target##*/fuzz_}
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    step fuzz "$name" "$target" -max_total_time=20 -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
      -print_final_stats=0 -artifact_prefix="$corpus-" "$corpus" "tests/fuzz/corpus/fuzz_$name" &&
      results+=("fuzz:$name:passed")
  done
}

run_preset() {
  local preset=$1 junit=$PWD/build/$1/junit.xml
  printf '\n== %s\n' "$preset"
  rm -f "$junit"
  step "$preset" configure cmake --preset "$preset" --log-level=WARNING || return
  local options=()
  [[ $preset == tidy ]] && options=(-- -k 0)  # all that it finds, not only the first
  step "$preset" build cmake --build --preset "$preset" -j "$jobs" "${options[@]}" || return
  if [[ $preset == tidy ]]; then
    results+=("tidy:build:passed")
    return
  fi
  ctest --preset "$preset" -j "$jobs" --output-junit "$junit"
  results+=("$preset=$junit")
  [[ $preset == fuzz ]] && fuzz_for_a_while
}

# The guest says of each program in each mode how it went.
run_vm() {
  printf '\n== vm\n'
  local code=0 said
  tests/vm/run.sh "$PWD/tests/vm/sandbox.sh" "$PWD/build/dev/tests" || code=$?
  said=$(sed -n 's/^result: \([^ ]*\) \(passed\|failed\) .*/vm:\1:\2/p' build/vm/console.log)
  # shellcheck disable=SC2206  # a list of words
  results+=($said)
  [[ $code == 0 || $said == *:failed* ]] || results+=("vm:guest:failed")
}

for preset in "${presets[@]}"; do
  if [[ $preset == vm ]]; then
    run_vm
    continue
  fi
  run_preset "$preset"
done
echo
/usr/bin/python3 tests/summary.py tests/allowed-skips.txt "${results[@]}"
