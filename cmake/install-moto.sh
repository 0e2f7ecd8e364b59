#!/bin/bash
# Makes moto_server, a double of AWS, available: install-moto.sh DIRECTORY
# Does nothing if it is on the PATH or in DIRECTORY/bin already; otherwise installs it there.
set -euo pipefail

directory=${1:?the directory to install into}
command -v moto_server > /dev/null && exit 0
[[ -x $directory/bin/moto_server ]] && exit 0
"$(dirname "$0")/install-packages.sh" moto
echo "Installing moto into $directory"
/usr/bin/python3 -m venv "$directory"
"$directory/bin/pip" install --quiet --disable-pip-version-check 'moto[server]==5.*' || {
  rm -rf "$directory"
  echo "Could not install moto: python3 -m pip install 'moto[server]' would, with a package index" >&2
  exit 1
}
