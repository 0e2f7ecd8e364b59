#!/bin/sh
# act: has an interface to the world
# expect: returns
tail -n +3 /proc/net/dev | grep -v '^ *lo:'
tail -n +2 /proc/net/route
exit 0
