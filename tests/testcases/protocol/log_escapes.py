#!/usr/bin/python3
# act: logs what makes a terminal obey, and lines that look like the host's own
# expect: returns quiet
import os

os.write(2, b"\x1b[2J\x1b]0;owned\x07\x1b[?1049h\x9b31m\r\x08\x00"
            b"\n2020-01-01 engine: job 1 SUCCESS\n" + "\u202e\u2066".encode())
print("quiet")
