#!/bin/sh
# act: finds something in /sys
# expect: returns
ls -A /sys
cat /sys/kernel/notes /sys/fs/cgroup/* /sys/firmware/* 2> /dev/null
exit 0
