#!/usr/bin/python3
# act: answers correctly, a byte at a time
# protocol: frames
# event: 1
# expect: returns "slow"
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
for byte in frame(RESULT, b'"slow"'):
    say(bytes([byte]))
wait()
