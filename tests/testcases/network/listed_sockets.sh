#!/bin/sh
# act: lists the sockets of the host
# expect: returns
for file in tcp tcp6 udp udp6 raw raw6 packet; do tail -n +2 "/proc/net/$file" 2> /dev/null; done
tail -n +2 /proc/net/unix
exit 0
