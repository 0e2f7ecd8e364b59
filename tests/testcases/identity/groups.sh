#!/bin/sh
# act: belongs to groups besides its own
# expect: returns its own
# skip rootless: the kernel lets nobody but root give up groups (user_namespaces(7))
[ "$(id -G)" = "$(id -g)" ] && echo "its own"
