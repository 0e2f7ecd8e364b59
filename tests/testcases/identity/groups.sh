#!/bin/sh
# act: belongs to groups of the host
# expect: returns 1000
# skip rootless: the kernel lets nobody but root give up groups (user_namespaces(7))
id -G
