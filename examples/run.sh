#!/bin/bash
# Builds NanoGrid and shows it at work: functions in several languages, hostile ones, embedding.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/install-packages.sh build example
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release -D NANOGRID_BUILD_TESTS=OFF -D NANOGRID_BUILD_BENCHMARKS=OFF > /dev/null
fi
cmake --build --preset release --target nanogrid embed

nanogrid=build/release/bin/nanogrid
functions=examples/functions

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
# The command as one would type it, then what it prints.
show() {
  local word line='$'
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_./=-]+$ ]] && line+=" $word" || line+=" '$word'"
  done
  printf '\n%s\n' "$line"
  "$@"
}
# held ENDING ARGUMENTS…: the function must be stopped, and for that reason.
held() {
  local wanted=$1 object
  shift
  printf '\n$ %s run --json %s\n' "$nanogrid" "$*"
  object=$("$nanogrid" run --json "$@") || true
  [[ $object == *"\"ending\":\"$wanted\""* ]] || {
    echo "This function should have ended with $wanted: ${object:0:2000}" >&2
    exit 1
  }
  printf '  held: %s, after %s ms\n' "$wanted" "$(sed 's/.*"wall_ms":\([0-9]*\).*/\1/' <<< "$object")"
}

title "What this machine offers"
show "$nanogrid" doctor

title "Functions in several languages, each in its own sandbox"
languages=(py js cpp sh)
[[ -x /usr/bin/go ]] && languages+=(go)
for language in "${languages[@]}"; do
  show "$nanogrid" run "$functions/hello.$language" --event '{"name": "Ada"}' --verbose
done

title "What a function sees from the inside"
show "$nanogrid" run "$functions/inside.py"

title "Warm calls: the same instance again"
show "$nanogrid" run "$functions/hello.py" --event '{"name": "Ada"}' --repeat 3 --verbose

title "Hostile functions are held"
held timeout "$functions/endless.py" --timeout 1s
held out_of_memory "$functions/hungry.py" --memory 64M
held too_many_processes "$functions/fork_bomb.py" --max-processes 32 --timeout 30s
held output_limit "$functions/flood.py" --max-output 1M

title "The same from C++: examples/embed/main.cc"
show build/release/bin/embed

cat << END

Everything worked: ${#languages[@]} languages ran in a sandbox, 4 attacks were held, the library was embedded.

Next:
  $nanogrid run $functions/hello.py --event '{"name": "you"}'
  $nanogrid run --help
  tests/run.sh
END
