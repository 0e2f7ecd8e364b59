#!/bin/bash
# A double of AWS for the tests alone: service_double.sh start|stop moto|fauxqs|dynalite DIRECTORY
# start: its address is in DIRECTORY/url; where it cannot be run, the reason is in
# DIRECTORY/unavailable.
set -euo pipefail
action=$1 double=$2 directory=$3
needs=

# How each is started on a free port, and what it is called in /proc.
case $double in
  moto)
    # It has threads and no locks: they take turns at I/O only, so that a request is carried out whole.
    program=(python3 -c "
import sys
from moto.server import main
sys.setswitchinterval(600)
main(['-H', '127.0.0.1', '-p', '0'])")
    install="python3 -m pip install 'moto[server]'"
    ;;
  fauxqs)
    npm=$(realpath "$(dirname "$0")/../npm")
    app=$npm/node_modules/fauxqs/dist/app.js
    program=(node --input-type=module -e "
      import { buildApp } from '$app';
      console.log(await buildApp({ logger: false }).listen({ port: 0, host: '127.0.0.1' }));")
    needs=$app
    install=$npm/install.sh
    ;;
  dynalite)
    npm=$(realpath "$(dirname "$0")/../npm")
    app=$npm/node_modules/dynalite/index.js
    program=(node -e "
      const server = require('$app')({ createTableMs: 20 }).listen(0, '127.0.0.1', () =>
        console.log('http://127.0.0.1:' + server.address().port));")
    needs=$app
    install=$npm/install.sh
    ;;
  *) exit 2 ;;
esac

stop() {
  if [[ -s $directory/pid ]]; then
    local pid
    pid=$(< "$directory/pid")
    # Not somebody else's who was given the number since.
    if cat "/proc/$pid/cmdline" 2> /dev/null | tr '\0' ' ' | grep -qE "moto|fauxqs|dynalite"; then
      kill "$pid" 2> /dev/null || true
      for _ in {1..100}; do
        [[ -d /proc/$pid ]] || break
        sleep 0.1
      done
      kill -9 "$pid" 2> /dev/null || true
    fi
  fi
  rm -rf "$directory"
}

unavailable() {
  echo "$1" | tee "$directory/unavailable"
  exit 0
}

start() {
  stop
  mkdir -p "$directory"
  command -v "${program[0]}" > /dev/null || unavailable "${program[0]} is not installed: $install"
  [[ -z $needs || -e $needs ]] || unavailable "$needs is not there: $install"
  # It calls nobody, whatever is set here.
  env -i PATH="$PATH" HOME="$directory" setsid "${program[@]}" \
    > "$directory/log" 2>&1 < /dev/null &
  echo $! > "$directory/pid"
  for _ in {1..600}; do
    local url
    url=$(grep -om1 'http://127.0.0.1:[0-9]*' "$directory/log" || true)
    if [[ -n $url ]]; then
      echo "$url" > "$directory/url.new"
      mv "$directory/url.new" "$directory/url"
      return
    fi
    [[ -d /proc/$(< "$directory/pid") ]] ||
      unavailable "$double does not run here: $(tail -n 1 "$directory/log")"
    sleep 0.1
  done
  unavailable "$double does not answer after a minute: $(tail -n 1 "$directory/log")"
}

"$action"
