#!/usr/bin/python3
# act: resolves a name of the internet, which leaks by itself
# expect: returns no answer
import socket
try:
    print("ESCAPED", socket.getaddrinfo("example.com", 80))
except OSError:
    print("no answer")
