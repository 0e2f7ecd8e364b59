#!/bin/bash
# Installs the Debian packages that are missing: install-packages.sh GROUP…
# The one list of what NanoGrid needs. Does nothing, quickly, if all are there.
set -euo pipefail

declare -A groups=(
  [build]="g++ cmake ninja-build pkg-config libabsl-dev libfmt-dev libssl-dev libarchive-dev
           libboost1.81-dev libseccomp-dev libsqlite3-dev libhiredis-dev libcli11-dev
           libexpat1-dev libtomlplusplus-dev"
  [example]="python3 nodejs"
  [test]="ccache make zip golang-go libgtest-dev libgmock-dev libbenchmark-dev bubblewrap busybox-static
          docker.io redis-server"
  [moto]="python3 python3-venv"
  [npm]="npm"
  [fleet]="redis-server"
  [full]="clang clang-tidy libclang-rt-14-dev"
  [vm]="qemu-system-x86 kmod cpio busybox-static"
)

wanted=()
for group in "$@"; do
  # shellcheck disable=SC2206  # a list of words
  wanted+=(${groups[$group]:?no such group})
done

if ! command -v dpkg-query > /dev/null; then
  echo "Not a Debian system: these packages (or your system's) must be there: ${wanted[*]}" >&2
  exit 0
fi
missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query -W -f '${Status}' "$package" 2> /dev/null) == *"ok installed" ]] ||
    missing+=("$package")
done
[[ ${#missing[@]} == 0 ]] && exit 0

as_root=()
if [[ $EUID != 0 ]]; then
  if ! command -v sudo > /dev/null; then
    echo "Run this as root first: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing ${missing[*]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"; }
apt update
# Nothing of yours is removed for it.
apt install -y --no-install-recommends --no-remove "${missing[@]}" > /dev/null || {
  echo "Could not install: ${missing[*]}" >&2
  if dpkg-query -W libboost1.74-dev &> /dev/null; then
    echo "libboost1.74-dev is in the way of libboost1.81-dev; take it out first:" \
      "apt-get remove libboost1.74-dev" >&2
  fi
  exit 1
}
