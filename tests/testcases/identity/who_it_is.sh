#!/bin/sh
# act: is somebody of the host
# expect: returns 1000 1000
echo "$(id -u) $(id -g)"
