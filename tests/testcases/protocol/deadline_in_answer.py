#!/usr/bin/python3
# act: sets a deadline for the host
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, b"1", deadline=1))
wait()
