#!/bin/bash
# Builds NanoGrid and shows it at work: functions in several languages, hostile ones, embedding.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/install-packages.sh build example
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release -D NANOGRID_BUILD_TESTS=OFF -D NANOGRID_BUILD_BENCHMARKS=OFF > /dev/null
fi
cmake --build --preset release --target nanogrid nanogrid-controller embed

nanogrid=build/release/bin/nanogrid
functions=examples/functions

bold= plain=
[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
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

title "Jobs that last: a controller, ten jobs, watched live"
data=$(mktemp -d)
controller=
stop_controller() {
  [[ -z $controller ]] || { kill "$controller" && wait "$controller"; } || true
  controller=
}
trap 'stop_controller; rm -rf "$data"' EXIT
printf '\n$ %s --listen 127.0.0.1:0 --data DIR &\n' "$nanogrid-controller"
"$nanogrid-controller" --listen 127.0.0.1:0 --data "$data/jobs" > "$data/address" 2> "$data/log" &
controller=$!
for ((tries = 0; tries < 100; ++tries)); do
  grep -q http "$data/address" && break
  sleep 0.1
done
NANOGRID_SERVER=$(sed -n 's/^listening on //p' "$data/address")
[[ -n $NANOGRID_SERVER ]] || { cat "$data/log" >&2; exit 1; }
export NANOGRID_SERVER
echo "listening on $NANOGRID_SERVER"
show "$nanogrid" deploy "$functions/steps.py"
printf '\n$ for order in {1..10}; do %s invoke steps --async --event "{\"order\": $order}"; done &\n' "$nanogrid"
printf '$ %s jobs --watch\n' "$nanogrid"
"$nanogrid" jobs --watch &
watch=$!
for order in {1..10}; do
  "$nanogrid" invoke steps --async --event "{\"order\": $order}" > "$data/job"
done
for ((tries = 0; tries < 600; ++tries)); do
  done_jobs=$("$nanogrid" jobs --quiet --status SUCCESS --limit 100 | wc -l)
  ((done_jobs == 10)) && break
  sleep 0.1
done
kill -INT "$watch" && wait "$watch" || true
((done_jobs == 10)) || { echo "Only $done_jobs of ten jobs succeeded" >&2; cat "$data/log" >&2; exit 1; }
show "$nanogrid" jobs --limit 10
show "$nanogrid" logs "$(< "$data/job")"
show "$nanogrid" result "$(< "$data/job")"
show "$nanogrid" jobs --json "$(< "$data/job")"
stop_controller
unset NANOGRID_SERVER

title "The same from C++: examples/embed/main.cc"
show build/release/bin/embed

cat << END

Everything worked: ${#languages[@]} languages ran in a sandbox, 4 attacks were held, ten jobs went from PENDING
to SUCCESS, the library was embedded.

Next:
  $nanogrid run $functions/hello.py --event '{"name": "you"}'
  $nanogrid-controller --listen 127.0.0.1:8080 &
  export NANOGRID_SERVER=http://127.0.0.1:8080
  $nanogrid deploy $functions/steps.py
  $nanogrid invoke steps --event '{"order": 1}'
  $nanogrid jobs --watch
  $nanogrid run --help
  tests/run.sh
END
