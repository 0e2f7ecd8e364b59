#!/bin/sh
# act: learns its place in the host's control groups
# expect: returns
grep -v ':/$' /proc/self/cgroup
exit 0
