# Compiles the package that $NANOGRID_SOURCE is part of; the program goes to stdout.
set -e
export HOME=/tmp GOCACHE=/tmp/go-cache GOPATH=/tmp/go:/var/runtime/native/go
# Without network: imports come from the code (its packages, vendor/) and from our own package.
export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=0
directory=$(dirname "$NANOGRID_SOURCE")
package=.
if [ -e /var/task/go.mod ]; then
  module=$(sed -n 's/^module[[:space:]]*\([^[:space:]]*\).*/\1/p' /var/task/go.mod)
  mkdir -p "$(dirname "/tmp/go/src/$module")"
  ln -s /var/task "/tmp/go/src/$module"
  package=$module${directory#/var/task}
fi
cd "$directory"
go build -ldflags '-s -w' -o /tmp/program "$package" >&2
cat /tmp/program
