#!/bin/sh
# act: has a capability
# expect: returns
grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb):' /proc/self/status | grep -v '0000000000000000$'
exit 0
