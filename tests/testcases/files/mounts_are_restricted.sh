#!/bin/sh
# act: finds a mount that honours set-user-id, or a writable one besides /tmp
# expect: returns
# expect docker: returns
while read -r _ _ _ _ where options rest; do
  case $where in /tmp | /dev/shm | /dev/pts | /dev/mqueue | /run/nanogrid*) continue ;; esac
  case ,$options, in *,ro,*) ;; *) [ "$where" = /dev ] || echo "ESCAPED $where is writable" ;; esac
done < /proc/self/mountinfo
