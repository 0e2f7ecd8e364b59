#!/usr/bin/python3
# act: connects to an abstract UNIX socket of the host
# expect: refused ECONNREFUSED
import socket
import sys
sys.path[:0] = ["/var/task"]
from act import attempt, baits

name = "\0" + baits()["abstract"]
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    attempt("connect", socket.socket(socket.AF_UNIX, kind).connect, name)
