#!/usr/bin/python3
# act: answers bytes that are no text
# expect: returns
import os

os.write(1, b"")
os.write(2, bytes(range(256)) * 16)
