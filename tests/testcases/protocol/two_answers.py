#!/usr/bin/python3
# act: answers one question twice at once, the second for the next
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, b"1") + frame(RESULT, b"2"))
wait()
