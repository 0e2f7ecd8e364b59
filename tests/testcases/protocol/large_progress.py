#!/usr/bin/python3
# act: reports more at once than it may
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import PROGRESS, frame, read_question, say, wait

read_question()
say(frame(PROGRESS, b'"' + b"x" * 5000 + b'"'))
wait()
