#!/bin/sh
# act: reads file systems and partitions of the host in /proc
# expect: returns
cat /proc/partitions /proc/diskstats /proc/swaps /proc/locks /proc/interrupts /proc/softirqs \
  2> /dev/null | head -c 300
ls -A /proc/fs /proc/scsi /proc/bus /proc/irq /proc/driver /proc/acpi /proc/tty 2> /dev/null |
  grep -v -e '^/proc' -e '^$'
exit 0
