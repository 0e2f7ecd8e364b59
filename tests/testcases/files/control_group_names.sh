#!/bin/sh
# act: learns its place in the host's control groups
# expect: returns
# skip without-cgroups: it stays in the host process's group; its name is no secret of the sandbox
grep -v ':/$' /proc/self/cgroup
exit 0
