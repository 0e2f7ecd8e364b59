#!/usr/bin/python3
# act: asks the cloud's metadata service for credentials
# expect: refused ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH
import socket
import sys
sys.path[:0] = ["/var/task"]
from act import attempt

for address in ("169.254.169.254", "169.254.170.2", "169.254.169.253", "100.100.100.200"):
    attempt(address, socket.create_connection, (address, 80), 5)
sock = socket.socket(socket.AF_INET6)
sock.settimeout(5)
attempt("fd00:ec2::254", sock.connect, ("fd00:ec2::254", 80))
attempt("mapped", sock.connect, ("::ffff:169.254.169.254", 80))
