#!/bin/bash
# A whole fleet on this machine: Redis, a double of AWS (SQS, S3, DynamoDB), two controllers and three
# workers. Deploys functions in four languages and runs 1,000 jobs, while a worker and a controller are
# killed; then says what became of every job. Usage: examples/fleet.sh [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
jobs=${1:-1000}
[[ $jobs =~ ^[0-9]+$ ]] || { sed -n '2,4s/^# \?//p' "$0" >&2; exit 2; }

cmake/install-packages.sh build example fleet
cmake/install-moto.sh "$root/build/moto"
export PATH=$root/build/moto/bin:$PATH
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release -D NANOGRID_BUILD_TESTS=OFF -D NANOGRID_BUILD_BENCHMARKS=OFF > /dev/null
fi
cmake --build --preset release --target nanogrid nanogrid-controller nanogrid-worker
exec /usr/bin/python3 -B examples/fleet/run_fleet.py --programs build/release/bin --jobs "$jobs"
