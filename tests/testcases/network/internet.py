#!/usr/bin/python3
# act: connects and sends to addresses of the internet and of private networks
# expect: refused ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH|EACCES
import socket
import sys
sys.path[:0] = ["/var/task"]
from act import attempt

for address in ("1.1.1.1", "8.8.8.8", "10.0.0.1", "172.17.0.1", "192.168.0.1", "255.255.255.255", "224.0.0.1"):
    attempt("tcp " + address, socket.create_connection, (address, 53), 5)
    attempt("udp " + address, socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b"x", (address, 53))
sock = socket.socket(socket.AF_INET6)
sock.settimeout(5)
attempt("tcp6", sock.connect, ("2606:4700:4700::1111", 53))
attempt("udp6", socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto, b"x", ("2606:4700:4700::1111", 53))
