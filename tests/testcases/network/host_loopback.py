#!/usr/bin/python3
# act: connects to a service on the host's 127.0.0.1
# expect: refused ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL
import socket
import sys
sys.path[:0] = ["/var/task"]
from act import attempt, baits

port = int(baits()["port"])
for address in ("127.0.0.1", "127.0.0.2", "0.0.0.0", "localhost"):
    attempt(address, socket.create_connection, (address, port), 5)
sock = socket.socket(socket.AF_INET6)
sock.settimeout(5)
attempt("mapped", sock.connect, ("::ffff:127.0.0.1", port))
