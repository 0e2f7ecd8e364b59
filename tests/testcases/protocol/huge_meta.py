#!/usr/bin/python3
# act: announces four gigabytes of meta data
# protocol: frames
# event: 1
# expect: ends violation
import struct
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, read_question, say, wait

read_question()
say(struct.pack("<IIIIQ", RESULT, 0xffffffff, 1, 0, 0))
wait()
