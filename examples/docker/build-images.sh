#!/bin/bash
# Makes the images that functions of sandbox "docker" run in by default, from Debian packages and
# without a registry:
#   examples/docker/build-images.sh [--suite SUITE] [--mirror URL] [--prefix PREFIX] [IMAGE…]
# An IMAGE is a runtime, python3, nodejs, native (with the compilers, g++ and Go) or exec, or the
# same with the prefix in front, as the engine's errors name it; without one, python3, nodejs and
# exec are made. Needs root, mmdebstrap or debootstrap, and a Docker engine (DOCKER_HOST is
# understood).
set -euo pipefail

suite=bookworm
mirror=
prefix=nanogrid/
images=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --suite) suite=$2; shift ;;
    --mirror) mirror=$2; shift ;;
    --prefix) prefix=$2; shift ;;
    --help) sed -n '2,9s/^# \?//p' "$0"; exit ;;
    -*) sed -n '2,9s/^# \?//p' "$0" >&2; exit 2 ;;
    *) images+=("${1#"$prefix"}") ;;
  esac
  shift
done
[[ ${#images[@]} == 0 ]] && images=(python3 nodejs exec)

packages_of() {
  case $1 in
    python3) echo python3 ca-certificates ;;
    nodejs) echo nodejs ca-certificates ;;
    native) echo g++ golang-go ca-certificates ;;
    exec | base) echo ca-certificates ;;
    *) echo "$0: no such image: $1 (python3, nodejs, native, exec)" >&2; return 2 ;;
  esac
}

# bootstrap DIRECTORY PACKAGES: a Debian root.
bootstrap() {
  local list=${2// /,}
  if command -v mmdebstrap > /dev/null; then
    # shellcheck disable=SC2086  # no mirror: the system's own
    mmdebstrap --quiet --variant=minbase --include="$list" "$suite" "$1" $mirror
  elif command -v debootstrap > /dev/null; then
    # shellcheck disable=SC2086
    debootstrap --variant=minbase --include="$list" "$suite" "$1" $mirror > /dev/null
  else
    echo "$0: install mmdebstrap (or debootstrap) first: apt-get install mmdebstrap" >&2
    return 1
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for image in "${images[@]}"; do
  packages=$(packages_of "$image")
  echo "Making $prefix$image ($packages)"
  root=$work/root
  bootstrap "$root" "$packages"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  # What is writable in a container is mounted over.
  mkdir -p "$root"/{run/nanogrid,var/task,var/runtime}
  tar --numeric-owner --one-file-system -C "$root" -c . | docker import - "$prefix$image" > /dev/null
  rm -rf "$root"
done
docker images "$prefix*"
