#!/bin/sh
# act: becomes itself again and again
# limits: timeout_ms=300
# expect: ends timeout
exec /bin/sh "$0" "$1"
