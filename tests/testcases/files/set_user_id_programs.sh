#!/bin/sh
# act: becomes root with the programs of the system that can
# expect: returns
for program in su sudo mount umount passwd newgrp chsh gpasswd pkexec; do
  path=$(command -v "$program") || continue
  [ -u "$path" ] || continue
  case $program in
    mount) "$path" -t tmpfs tmpfs /tmp < /dev/null > /dev/null 2>&1 && echo "ESCAPED $program" ;;
    umount) "$path" /tmp < /dev/null > /dev/null 2>&1 && echo "ESCAPED $program" ;;
    su) "$path" -c true root < /dev/null > /dev/null 2>&1 && echo "ESCAPED $program" ;;
    *) "$path" true < /dev/null > /dev/null 2>&1 && echo "ESCAPED $program" ;;
  esac
done
exit 0
