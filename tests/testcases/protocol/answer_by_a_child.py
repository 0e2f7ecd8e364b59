#!/usr/bin/python3
# act: lets a child answer after its own end
# protocol: frames
# event: 1
# expect: ends exited or returns "by a child"
import os
import sys
import time
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say

read_question()
parent = os.getpid()
if os.fork() == 0:
    os.setsid()
    while os.getppid() == parent:
        time.sleep(0)
    say(frame(RESULT, b'"by a child"'))
