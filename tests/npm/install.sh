#!/bin/bash
# Installs what package.json names, as package-lock.json pins it, if it is not there yet.
set -euo pipefail
cd "$(dirname "$0")"
[[ node_modules/.package-lock.json -nt package-lock.json ]] && exit 0
command -v npm > /dev/null || ../../cmake/install-packages.sh npm
npm ci --silent --no-audit --no-fund
touch node_modules/.package-lock.json
