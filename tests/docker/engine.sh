#!/bin/bash
# A Docker engine for the tests alone: engine.sh start|stop DIRECTORY
# start: listens on DIRECTORY/docker.sock and has the images nanogrid-test/host (this machine's shell,
# Python and what they need) and nanogrid-test/volume. Where no engine can be run, the reason is
# written to DIRECTORY/unavailable, for the tests to skip with.
set -euo pipefail
action=$1 directory=$2
socket=unix://$directory/docker.sock

stop() {
  if [[ -s $directory/pid ]]; then
    local pid
    pid=$(< "$directory/pid")
    # Not somebody else's who was given the number since.
    if tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF -- "$directory"; then
      kill "$pid" 2> /dev/null || true
      for _ in {1..300}; do
        [[ -d /proc/$pid ]] || break
        sleep 0.1
      done
    fi
  fi
  # Mounts that an engine which was killed has left.
  awk -v prefix="$directory/" 'index($2, prefix) == 1 { print $2 }' /proc/mounts | tac |
    while read -r mounted; do umount -l "$mounted"; done
  rm -rf "$directory"
}

unavailable() {
  echo "$1" | tee "$directory/unavailable"
  exit 0
}

# Programs of this machine with the libraries they need, into a directory.
copy_programs() {
  local root=$1
  shift
  local file
  for file in "$@"; do
    [[ -e $file ]] || continue
    echo "$file"
    ldd "$file" 2> /dev/null | grep -o '/[^ ]*' || true
  done | sort -u | while read -r file; do
    # A library is found under every name that it has.
    mkdir -p "$root$(dirname "$file")"
    cp -L "$file" "$root$file"
  done
}

import_image() { tar --numeric-owner -C "$1" -c . | docker -H "$socket" import "${@:3}" - "$2" > /dev/null; }

make_images() {
  local root=$directory/root
  mkdir -p "$root"/{bin,etc,proc,sys,dev,run/nanogrid,usr/bin,usr/lib,var/task,var/runtime}
  mkdir -m 1777 "$root/tmp"
  echo 'root:x:0:0:root:/:/bin/sh' > "$root/etc/passwd"
  local python
  python=$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  copy_programs "$root" /bin/sh /usr/bin/{env,python3,id,cat,ls,sleep,dd,mkdir,ln,rm,touch,head,tail,grep,cut,readlink} \
    /bin/busybox "$python"/lib-dynload/*.so
  tar -C / --exclude='*/test' --exclude='__pycache__' --exclude='config-*' --exclude='lib2to3' \
    --exclude='idlelib' --exclude='lib-dynload' -c "${python#/}" | tar -C "$root" -x
  import_image "$root" nanogrid-test/host
  rm -rf "$root"
  mkdir -p "$root"/{bin,data,tmp}
  cp /bin/busybox "$root/bin/busybox"
  ln -s busybox "$root/bin/sh"
  import_image "$root" nanogrid-test/volume --change 'VOLUME /data' --change 'ENV FROM_IMAGE=1' \
    --change 'ENTRYPOINT ["/bin/false"]' --change 'USER 0'
  rm -rf "$root"
}

start() {
  stop
  mkdir -p -m 0711 "$directory"
  [[ $EUID == 0 ]] || unavailable "a Docker engine is only run by root"
  command -v dockerd > /dev/null || unavailable "dockerd is not installed: apt-get install docker.io"
  command -v docker > /dev/null || unavailable "the docker command is not installed"
  setsid dockerd --data-root "$directory/data" --exec-root "$directory/exec" -H "$socket" \
    -p "$directory/pid" --bridge=none --iptables=false > "$directory/log" 2>&1 < /dev/null &
  local pid=$!
  for _ in {1..600}; do
    if docker -H "$socket" version > /dev/null 2>&1; then
      make_images
      return
    fi
    [[ -d /proc/$pid ]] || unavailable "dockerd does not run here: $(tail -n 1 "$directory/log")"
    sleep 0.1
  done
  kill "$pid"
  unavailable "dockerd does not answer after a minute: $(tail -n 1 "$directory/log")"
}

"$action"
