#!/bin/sh
# act: finds a mount that honours set-user-id, or a writable one besides /tmp
# expect: returns
# skip docker: engines mount /proc writable and rely on no_new_privs; what is in it has acts of its own
while read -r _ _ _ _ where options rest; do
  case ,$options, in *,nosuid,*) ;; *) echo "ESCAPED $where honours set-user-id" ;; esac
  [ "$where" = /tmp ] && continue
  case ,$options, in *,ro,*) ;; *) echo "ESCAPED $where is writable" ;; esac
done < /proc/self/mountinfo
