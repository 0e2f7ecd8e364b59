#!/bin/sh
# act: makes files in every directory it sees
# expect: returns /tmp
# expect docker: returns /dev/shm /tmp
found=
for directory in / /bin /dev /dev/shm /etc /etc/ssl /lib /proc /proc/self /run /sbin /sys /tmp /usr \
  /usr/bin /usr/lib /usr/local /usr/share /var /var/runtime /var/task /var/task/files /var/tmp; do
  case $(readlink -f "$directory") in /tmp) [ "$directory" = /tmp ] || continue ;; esac
  if (: > "$directory/made") 2> /dev/null || mkdir "$directory/made" 2> /dev/null; then
    found="$found $directory"
  fi
done
echo $found
