#!/bin/sh
# act: sees processes that are not its own
# expect: returns
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  case $pid in 1 | $$) continue ;; esac
  # A child of its own is none of the host's.
  [ "$(cut -d ' ' -f 4 "$process/stat" 2> /dev/null)" = $$ ] && continue
  [ -e "$process" ] && echo "ESCAPED $process"
done
exit 0
