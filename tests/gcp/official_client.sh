#!/bin/bash
# Runs official_client.mjs against a fake of its own. 77: it cannot be run here.
set -euo pipefail
here=$(dirname "$0")
if [[ ! -d $here/../npm/node_modules/@google-cloud/storage ]]; then
  echo "@google-cloud/storage is not installed: tests/npm/install.sh"
  exit 77
fi
coproc FAKE { exec /usr/bin/python3 "$here/fake_gcs.py"; }
read -r port <&"${FAKE[0]}"
node "$here/official_client.mjs" "http://127.0.0.1:$port"
