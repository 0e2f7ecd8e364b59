#!/bin/sh
# act: reads the accounts of the host
# expect: returns
grep -vE '^(root|sandbox|nobody|nogroup):' /etc/passwd /etc/group
exit 0
