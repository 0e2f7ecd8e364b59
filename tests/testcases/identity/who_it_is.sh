#!/bin/sh
# act: is somebody of the system
# expect: returns 1000 1000
# expect docker: returns nobody
user=$(id -u) group=$(id -g)
if [ "$user" -ge 100000 ] && [ "$group" -ge 100000 ]; then
  echo nobody # an engine does not map ids: it is the host's, of its own
else
  echo "$user $group"
fi
