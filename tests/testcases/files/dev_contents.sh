#!/bin/sh
# act: finds a device that no function needs
# expect: returns
# expect docker: returns
ls -A /dev | grep -vxE 'fd|full|null|random|shm|stderr|stdin|stdout|urandom|zero|core|mqueue|ptmx|pts|tty|console'
exit 0
